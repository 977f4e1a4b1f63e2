using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Parley.Benchmarks.Forms;

/// <summary>The tensors of a checkpoint in bf16, one file.</summary>
internal sealed class PlainCheckpoint : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly long _start;
    private readonly Dictionary<string, (int[] Shape, long First, long Bytes)> _tensors = new(StringComparer.Ordinal);

    public PlainCheckpoint(string folder)
    {
        _file = MemoryMappedFile.CreateFromFile(Path.Combine(folder, "model.safetensors"), FileMode.Open);
        _view = _file.CreateViewAccessor();
        var header = new byte[_view.ReadInt64(0)];
        _view.ReadArray(sizeof(long), header, 0, header.Length);
        _start = sizeof(long) + header.Length;
        using var document = JsonDocument.Parse(header);
        foreach (var tensor in document.RootElement.EnumerateObject().Where(tensor => tensor.Name != "__metadata__"))
        {
            if (tensor.Value.GetProperty("dtype").GetString() != "BF16")
                throw new InvalidDataException($"{folder}: {tensor.Name} is not in BF16.");
            var offsets = tensor.Value.GetProperty("data_offsets");
            var shape = tensor.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt32()).ToArray();
            _tensors[tensor.Name] = (shape, offsets[0].GetInt64(), offsets[1].GetInt64() - offsets[0].GetInt64());
        }
    }

    public IEnumerable<string> Names => _tensors.Keys.Order(StringComparer.Ordinal);

    public int[] ShapeOf(string name) => _tensors[name].Shape;

    /// <summary>A tensor as it is stored.</summary>
    public byte[] Bytes(string name)
    {
        var bytes = new byte[_tensors[name].Bytes];
        _view.ReadArray(_start + _tensors[name].First, bytes, 0, bytes.Length);
        return bytes;
    }

    public float[] Weights(string name) =>
        [.. MemoryMarshal.Cast<byte, ushort>(Bytes(name)).ToArray().Select(half => BitConverter.UInt32BitsToSingle((uint)half << 16))];

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }
}
