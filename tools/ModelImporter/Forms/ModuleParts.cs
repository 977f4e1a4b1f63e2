using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>The tensors of one module, by the ends of their names.</summary>
/// <param name="tensors">The checkpoint.</param>
/// <param name="module">The module's name with its dot: <c>model.layers.0.mlp.down_proj.</c></param>
internal sealed class ModuleParts(CheckpointTensors tensors, string module)
{
    private const long SizeMax = 1 << 26;

    private readonly List<string> _taken = [];

    /// <summary>Modules that have a tensor of this ending.</summary>
    public static IEnumerable<ModuleParts> With(CheckpointTensors tensors, string ending) => tensors.Names
        .Where(name => name.EndsWith($".{ending}", StringComparison.Ordinal)).ToArray()
        .Select(name => new ModuleParts(tensors, name[..^ending.Length]));

    public string Module => module;

    public bool Has(string ending) => tensors.Contains(module + ending);

    /// <summary>The type of a tensor; empty where there is none.</summary>
    public string TypeOf(string ending) => Has(ending) ? tensors.TypeOf(module + ending) : "";

    /// <summary>A tensor that the module must have.</summary>
    /// <param name="ending">The end of its name.</param>
    /// <param name="types">Types that it may have; any where there are none.</param>
    /// <exception cref="InvalidDataException">It is missing or of another type.</exception>
    public StoredSource Take(string ending, params ReadOnlySpan<string> types)
    {
        if (tensors.Source(module + ending) is not StoredSource source)
            throw new InvalidDataException($"{tensors.Folder}: tensor {module}{ending} belongs to two matrices.");
        _taken.Add(module + ending);
        return types.Length == 0 || types.Contains(source.TypeName) ? source
            : throw Refuse(source, $"{string.Join(" or ", types.ToArray())}");
    }

    /// <summary>The same of one that it may lack.</summary>
    public StoredSource? Find(string ending, params ReadOnlySpan<string> types) => Has(ending) ? Take(ending, types) : null;

    /// <summary>Refuses a tensor that does not fit.</summary>
    /// <param name="source">The tensor.</param>
    /// <param name="wanted">What it should be.</param>
    public static InvalidDataException Refuse(StoredSource source, string wanted) => new(
        $"{source.File.Path}: tensor {source.StoredName} is {source.TypeName} {source.ShapeText}; wanted: {wanted}.");

    /// <summary>Refuses a tensor of another shape.</summary>
    /// <exception cref="InvalidDataException">It is.</exception>
    public static void Check(StoredSource source, params ReadOnlySpan<long> shape)
    {
        if (!shape.SequenceEqual(source.Shape.ToArray()))
            throw Refuse(source, $"[{string.Join(", ", shape.ToArray())}]");
    }

    /// <summary>A size of a tensor.</summary>
    /// <exception cref="InvalidDataException">It is 0 or absurd.</exception>
    public static int Size(StoredSource source, long size) => size is > 0 and < SizeMax ? (int)size
        : throw Refuse(source, $"sizes from 1 to {SizeMax}");

    /// <summary>Puts the joined weight in the place of all that was taken.</summary>
    public void Put(TensorSource source, string ending = "weight")
    {
        foreach (var name in _taken)
            tensors.Remove(name);
        tensors.Add(module + ending, source);
    }
}
