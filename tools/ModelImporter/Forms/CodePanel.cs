namespace Parley.ModelImporter.Forms;

/// <summary>Some outputs of a matrix that is stored by inputs, turned round: codes, scales and zero points by output.</summary>
internal sealed class CodePanel
{
    /// <summary>Outputs of a panel.</summary>
    public const int Outputs = 64;

    /// <summary>Keeps the rows of a panel apart in the cache where their length is a power of two.</summary>
    private const int PaddingBytes = 64;

    private object? _owner;
    private long _first = -1;

    /// <summary>Bytes from one output's codes to the next one's.</summary>
    public int Stride { get; private set; }

    public int Groups { get; private set; }

    public byte[] Codes { get; private set; } = [];

    /// <summary>[outputs, groups].</summary>
    public float[] Scales { get; private set; } = [];

    /// <summary>[outputs, groups].</summary>
    public float[] Zeros { get; private set; } = [];

    /// <summary>Words as they are stored, while the panel is made.</summary>
    public uint[] Words { get; private set; } = [];

    public bool Holds(object owner, long first) => _owner == owner && _first == first;

    /// <summary>Makes room; it holds nothing until <see cref="Keep"/>.</summary>
    public void Prepare(int columns, int groups, int words)
    {
        _owner = null;
        (Stride, Groups) = (columns + PaddingBytes, groups);
        if (Codes.Length < Stride * Outputs)
            Codes = new byte[Stride * Outputs];
        if (Scales.Length < groups * Outputs)
            (Scales, Zeros) = (new float[groups * Outputs], new float[groups * Outputs]);
        if (Words.Length < words)
            Words = new uint[words];
    }

    public void Keep(object owner, long first) => (_owner, _first) = (owner, first);
}
