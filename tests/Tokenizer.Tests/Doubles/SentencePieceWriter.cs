using Google.Protobuf;

namespace Parley.Tokenizer.Tests.Doubles;

/// <summary>Writes a SentencePiece model file.</summary>
internal static class SentencePieceWriter
{
    public static byte[] Write(IEnumerable<(string Text, float Score, int Kind)> pieces, int modelType, bool byteFallback = false,
        byte[]? characterMap = null, bool addDummyPrefix = true, bool removeExtraSpaces = false, int unknownId = 0)
    {
        using var memory = new MemoryStream();
        var output = new CodedOutputStream(memory);
        foreach (var (text, score, kind) in pieces)
            WriteMessage(output, 1, piece =>
            {
                piece.WriteTag(1, WireFormat.WireType.LengthDelimited);
                piece.WriteString(text);
                piece.WriteTag(2, WireFormat.WireType.Fixed32);
                piece.WriteFloat(score);
                WriteNumber(piece, 3, kind);
            });
        WriteMessage(output, 2, trainer =>
        {
            WriteNumber(trainer, 3, modelType);
            WriteNumber(trainer, 4, 99);
            WriteNumber(trainer, 35, byteFallback ? 1 : 0);
            WriteNumber(trainer, 40, unknownId);
        });
        WriteMessage(output, 3, normalizer =>
        {
            normalizer.WriteTag(2, WireFormat.WireType.LengthDelimited);
            normalizer.WriteBytes(ByteString.CopyFrom(characterMap ?? []));
            WriteNumber(normalizer, 3, addDummyPrefix ? 1 : 0);
            WriteNumber(normalizer, 4, removeExtraSpaces ? 1 : 0);
        });
        output.Flush();
        return memory.ToArray();
    }

    private static void WriteNumber(CodedOutputStream output, int field, int value)
    {
        output.WriteTag(field, WireFormat.WireType.Varint);
        output.WriteInt32(value);
    }

    private static void WriteMessage(CodedOutputStream output, int field, Action<CodedOutputStream> write)
    {
        using var memory = new MemoryStream();
        var inner = new CodedOutputStream(memory);
        write(inner);
        inner.Flush();
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(memory.ToArray()));
    }
}
