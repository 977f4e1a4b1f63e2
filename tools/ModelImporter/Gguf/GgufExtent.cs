using System.Buffers.Binary;

namespace Parley.ModelImporter.Gguf;

/// <summary>
/// Walks over a GGUF header without reading it, to tell whether the beginning of a file holds the whole of it. What is malformed counts as
/// whole: <see cref="GgufHeader"/> says what is wrong with it, and more bytes would not mend it.
/// </summary>
internal ref struct GgufExtent
{
    private const uint Magic = 0x46554747;
    private const int NameBytesMax = 1024;
    private const int TextBytesMax = 16 << 20;
    private const int ListDepthMax = 4;

    private readonly ReadOnlySpan<byte> _bytes;
    private int _position;
    private bool _isShort;
    private bool _isStrange;

    private GgufExtent(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    private readonly bool Goes => !_isShort && !_isStrange;

    /// <summary>Whether more bytes of the file would say no more of its header.</summary>
    public static bool HoldsHeader(ReadOnlySpan<byte> bytes)
    {
        var walk = new GgufExtent(bytes);
        walk.Header();
        return !walk._isShort;
    }

    private void Header()
    {
        _isStrange = (uint)Number(4) != Magic && !_isShort;
        Skip(4);
        var (tensors, keys) = (Number(8), Number(8));
        for (var i = 0UL; i < keys && Goes; i++)
        {
            Text(NameBytesMax);
            Value(Number(4), depth: 0);
        }

        for (var i = 0UL; i < tensors && Goes; i++)
        {
            Text(NameBytesMax);
            var dimensions = Number(4);
            _isStrange |= dimensions is < 1 or > 4;
            Skip(((long)dimensions * 8) + 12);
        }
    }

    private void Value(ulong type, int depth)
    {
        switch (type)
        {
            case 8:
                Text(TextBytesMax);
                return;
            case 9:
                List(depth);
                return;
            default:
                var width = Width(type);
                _isStrange |= width == 0;
                Skip(width);
                return;
        }
    }

    private void List(int depth)
    {
        var (type, count) = (Number(4), Number(8));
        var width = Width(type);
        _isStrange |= depth == ListDepthMax || (width == 0 && type is not (8 or 9)) || count > GgufHeader.BytesMax;
        if (width > 0)
        {
            Skip((long)count * width);
            return;
        }

        for (var i = 0UL; i < count && Goes; i++)
            Value(type, depth + 1);
    }

    private void Text(int bytesMax)
    {
        var length = Number(8);
        _isStrange |= length > (ulong)bytesMax;
        Skip((long)length);
    }

    private ulong Number(int width)
    {
        var start = _position;
        if (!Skip(width))
            return 0;
        var bytes = _bytes.Slice(start, width);
        return width == 4 ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }

    private bool Skip(long count)
    {
        if (!Goes)
            return false;
        if (count > _bytes.Length - _position)
        {
            _isShort = true;
            return false;
        }

        _position += (int)count;
        return true;
    }

    private static int Width(ulong type) => type switch
    {
        0 or 1 or 7 => 1,
        2 or 3 => 2,
        4 or 5 or 6 => 4,
        10 or 11 or 12 => 8,
        _ => 0,
    };
}
