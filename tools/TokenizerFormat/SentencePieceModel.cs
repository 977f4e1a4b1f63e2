using Google.Protobuf;

namespace Parley.TokenizerFormat;

/// <summary>The parts of SentencePiece's <c>ModelProto</c> that encoding needs, read by their field numbers.</summary>
internal sealed class SentencePieceModel
{
    /// <summary>The values of <c>model_type</c>.</summary>
    public enum Kind
    {
        Unigram = 1,
        Bpe = 2,
    }

    /// <summary>The values of a piece's <c>type</c>.</summary>
    public enum PieceKind
    {
        Normal = 1,
        Unknown = 2,
        Control = 3,
        UserDefined = 4,
        Unused = 5,
        Byte = 6,
    }

    public List<Piece> Pieces { get; } = [];

    public int ModelType { get; private set; } = (int)Kind.Unigram;

    public bool ByteFallback { get; private set; }

    public bool SpacesAreSuffixes { get; private set; }

    public int UnknownId { get; private set; }

    public int BeginId { get; private set; } = 1;

    public int EndId { get; private set; } = 2;

    public byte[] CharacterMap { get; private set; } = [];

    public bool AddsDummyPrefix { get; private set; } = true;

    public bool RemovesExtraSpaces { get; private set; } = true;

    public bool EscapesSpaces { get; private set; } = true;

    /// <exception cref="InvalidProtocolBufferException">The bytes are no message.</exception>
    public static SentencePieceModel Parse(byte[] bytes)
    {
        var model = new SentencePieceModel();
        var input = new CodedInputStream(bytes);
        while (input.ReadTag() is not 0 and var tag)
        {
            switch (WireFormat.GetTagFieldNumber(tag), WireFormat.GetTagWireType(tag))
            {
                case (1, WireFormat.WireType.LengthDelimited):
                    model.Pieces.Add(ReadPiece(input.ReadBytes()));
                    break;
                case (2, WireFormat.WireType.LengthDelimited):
                    model.ReadTrainer(input.ReadBytes());
                    break;
                case (3, WireFormat.WireType.LengthDelimited):
                    model.ReadNormalizer(input.ReadBytes());
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        return model;
    }

    private static Piece ReadPiece(ByteString bytes)
    {
        var (text, score, type) = ("", 0f, (int)PieceKind.Normal);
        var input = bytes.CreateCodedInput();
        while (input.ReadTag() is not 0 and var tag)
        {
            switch (WireFormat.GetTagFieldNumber(tag), WireFormat.GetTagWireType(tag))
            {
                case (1, WireFormat.WireType.LengthDelimited):
                    text = input.ReadString();
                    break;
                case (2, WireFormat.WireType.Fixed32):
                    score = input.ReadFloat();
                    break;
                case (3, WireFormat.WireType.Varint):
                    type = input.ReadEnum();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        return new Piece(text, score, (PieceKind)type);
    }

    private void ReadTrainer(ByteString bytes)
    {
        var input = bytes.CreateCodedInput();
        while (input.ReadTag() is not 0 and var tag)
        {
            switch (WireFormat.GetTagFieldNumber(tag), WireFormat.GetTagWireType(tag))
            {
                case (3, WireFormat.WireType.Varint):
                    ModelType = input.ReadEnum();
                    break;
                case (24, WireFormat.WireType.Varint):
                    SpacesAreSuffixes = input.ReadBool();
                    break;
                case (35, WireFormat.WireType.Varint):
                    ByteFallback = input.ReadBool();
                    break;
                case (40, WireFormat.WireType.Varint):
                    UnknownId = input.ReadInt32();
                    break;
                case (41, WireFormat.WireType.Varint):
                    BeginId = input.ReadInt32();
                    break;
                case (42, WireFormat.WireType.Varint):
                    EndId = input.ReadInt32();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }
    }

    private void ReadNormalizer(ByteString bytes)
    {
        var input = bytes.CreateCodedInput();
        while (input.ReadTag() is not 0 and var tag)
        {
            switch (WireFormat.GetTagFieldNumber(tag), WireFormat.GetTagWireType(tag))
            {
                case (2, WireFormat.WireType.LengthDelimited):
                    CharacterMap = input.ReadBytes().ToByteArray();
                    break;
                case (3, WireFormat.WireType.Varint):
                    AddsDummyPrefix = input.ReadBool();
                    break;
                case (4, WireFormat.WireType.Varint):
                    RemovesExtraSpaces = input.ReadBool();
                    break;
                case (5, WireFormat.WireType.Varint):
                    EscapesSpaces = input.ReadBool();
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }
    }

    /// <summary>One entry of the vocabulary; its id is its position.</summary>
    internal readonly record struct Piece(string Text, float Score, PieceKind Kind);
}
