using Parley.ModelImporter.Package;

namespace Parley.ModelImporter.Graph;

/// <summary>Where the bytes of an initializer go: into <c>model.data</c>, or into the graph itself where they are few.</summary>
internal sealed class TensorTarget
{
    private readonly byte[]? _inline;

    /// <param name="name">Name of the initializer.</param>
    /// <param name="bytes">Length.</param>
    /// <param name="offset">First byte in <c>model.data</c>; null for a small tensor.</param>
    public TensorTarget(string name, long bytes, long? offset)
    {
        Name = name;
        Bytes = bytes;
        Offset = offset;
        _inline = offset is null ? new byte[bytes] : null;
    }

    public string Name { get; }

    public long Bytes { get; }

    public long? Offset { get; }

    /// <summary>The bytes of a small tensor; empty for one in <c>model.data</c>.</summary>
    public ReadOnlySpan<byte> Inline => _inline;

    /// <summary>Writes a part; parts that do not overlap may be written from several threads at once.</summary>
    public void Write(DataFile data, long position, ReadOnlySpan<byte> bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(position + bytes.Length, Bytes);
        if (_inline is null)
            data.Write(Offset!.Value + position, bytes);
        else
            bytes.CopyTo(_inline.AsSpan((int)position));
    }
}
