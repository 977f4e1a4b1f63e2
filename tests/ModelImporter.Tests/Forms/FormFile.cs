using System.Runtime.InteropServices;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Forms;
using Parley.ModelImporter.Safetensors;
using Parley.ModelImporter.Tests.Parity;

namespace Parley.ModelImporter.Tests.Forms;

/// <summary>A safetensors file with the tensors of a module or two, written bit by bit from the description of a form.</summary>
internal sealed class FormFile : IDisposable
{
    /// <summary>The module that most tests have.</summary>
    public const string Module = "model.layers.0.mlp.up_proj";

    private readonly TemporaryFolder _folder = new();
    private readonly List<(string Name, string Type, int[] Shape, byte[] Bytes)> _tensors = [];
    private CheckpointTensors? _opened;

    /// <summary>What was added.</summary>
    public IReadOnlyList<(string Name, string Type, int[] Shape, byte[] Bytes)> Tensors => _tensors;

    public FormFile Add(string name, string type, int[] shape, byte[] bytes)
    {
        _tensors.Add((name.StartsWith('.') ? Module + name : name, type, shape, bytes));
        return this;
    }

    public FormFile Add<T>(string name, string type, int[] shape, T[] values)
        where T : unmanaged => Add(name, type, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    /// <summary>Takes a tensor out again.</summary>
    public FormFile Without(string name)
    {
        _tensors.RemoveAll(tensor => tensor.Name == Module + name);
        return this;
    }

    /// <summary>Puts another in the place of a tensor.</summary>
    public FormFile With<T>(string name, string type, int[] shape, T[] values)
        where T : unmanaged => Without(name).Add(name, type, shape, values);

    /// <summary>Opens the file as a model of such a configuration has it.</summary>
    /// <param name="config">Fields of config.json.</param>
    public CheckpointTensors Open(string config)
    {
        File.WriteAllBytes(_folder.File("model.safetensors"), RandomCheckpoint.Serialize(_tensors));
        _opened = CheckpointTensors.Open(_folder.Path);
        StoredForms.Of(ConfigFile.Parse("config.json", config), "llama")!.Join(_opened);
        return _opened;
    }

    public void Dispose()
    {
        _opened?.Dispose();
        _folder.Dispose();
    }

    /// <summary>Puts a number into some bits.</summary>
    public static void SetBits(Span<byte> bytes, long first, int bits, int value)
    {
        for (var bit = 0; bit < bits; bit++)
        {
            if ((value >> bit & 1) != 0)
                bytes[(int)((first + bit) / 8)] |= (byte)(1 << (int)((first + bit) % 8));
        }
    }

    /// <summary>Bits of a column of words, the next of which lies a row below.</summary>
    public static void SetColumnBits(Span<byte> bytes, int columns, int column, long first, int bits, int value)
    {
        for (var bit = 0; bit < bits; bit++)
        {
            var (word, place) = ((first + bit) / 32, (first + bit) % 32);
            SetBits(bytes, (((word * columns) + column) * 32) + place, 1, value >> bit & 1);
        }
    }
}
