using System.Buffers.Binary;
using System.Text;

namespace Parley.ModelImporter.Gguf;

/// <summary>Reads the numbers and texts of a header one after the other; what lies beyond the end is refused.</summary>
internal ref struct GgufReader(ReadOnlySpan<byte> bytes, string path)
{
    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>Bytes that were read.</summary>
    public int Position { get; private set; }

    public readonly int Left => _bytes.Length - Position;

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    public byte Byte() => Take(1)[0];

    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    /// <summary>A text with its length before it.</summary>
    public string Text(int bytesMax)
    {
        var length = UInt64();
        if (length > (ulong)bytesMax)
        {
            throw new InvalidDataException(
                $"{path}: a text of {length} bytes stands in the header at byte {Position}; at most {bytesMax} are read.");
        }

        try
        {
            return Utf8.GetString(Take((long)length));
        }
        catch (DecoderFallbackException exception)
        {
            throw new InvalidDataException($"{path}: the text before byte {Position} of the header is not UTF-8.", exception);
        }
    }

    /// <summary>Passes over bytes.</summary>
    public ReadOnlySpan<byte> Take(long count)
    {
        if (count < 0 || count > Left)
        {
            throw new InvalidDataException(
                $"{path}: the header ends at byte {_bytes.Length}, before what it announces; the file is truncated or damaged.");
        }

        var taken = _bytes.Slice(Position, (int)count);
        Position += (int)count;
        return taken;
    }
}
