namespace Parley.Generator.Guides.Machines;

/// <summary>The bytes of a text up to where it is looked at.</summary>
internal sealed class Trail
{
    private byte[] _bytes = new byte[256];

    public int Length { get; set; }

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

    public void Add(byte next)
    {
        if (Length == _bytes.Length)
            Array.Resize(ref _bytes, Length * 2);
        _bytes[Length++] = next;
    }
}
