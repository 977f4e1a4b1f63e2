namespace Parley.Generator.Guides.Automata;

/// <summary>Bytes that no edge of a network tells apart are one class.</summary>
internal sealed class ByteClasses
{
    private readonly bool[] _cuts = new bool[257];

    /// <summary>Takes note of an edge over a range of bytes.</summary>
    public void Add(byte first, byte last) => _cuts[first] = _cuts[last + 1] = true;

    /// <summary>The class of each of the 256 bytes, and a byte of each class.</summary>
    public (byte[] Classes, byte[] Representatives) Number()
    {
        var classes = new byte[256];
        var representatives = new List<byte> { 0 };
        for (var value = 1; value < 256; value++)
        {
            if (_cuts[value])
                representatives.Add((byte)value);
            classes[value] = (byte)(representatives.Count - 1);
        }

        return (classes, [.. representatives]);
    }
}
