using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Gguf.Families;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Adapters;

/// <summary>Adapters as llama.cpp's converter writes them: two factors for each tensor of its base, by that one's name.</summary>
internal static class GgufAdapter
{
    private const string AEnding = ".lora_a";
    private const string BEnding = ".lora_b";
    private const string AlphaKey = "adapter.lora.alpha";
    private const string Embedding = "token_embd.weight";
    private const string WeightEnding = ".weight";

    /// <summary>Keys of adapters that are more than products of two factors.</summary>
    private const string InvocationKey = "adapter.alora.invocation_tokens";

    /// <summary>Opens a file.</summary>
    /// <exception cref="InvalidDataException">As for <see cref="Adapter.Open"/>.</exception>
    public static Adapter Open(string path)
    {
        var file = new GgufAdapterFile(path);
        try
        {
            Require("general.type", "adapter");
            Require("adapter.type", "lora");
            if (file.Metadata.ContainsKey(InvocationKey))
                throw new InvalidDataException($"{path}: {InvocationKey} is set; adapters that begin within a text are not read.");
            var architecture = file.Metadata.GetValueOrDefault("general.architecture") as string;
            var family = GgufConfiguration.Known.FirstOrDefault(family => family.Architecture == architecture)
                ?? throw new InvalidDataException($"{path}: general.architecture is {architecture ?? "missing"}; supported: "
                    + $"{string.Join(", ", GgufConfiguration.Known.Select(family => family.Architecture))}.");
            return new Adapter(path, file)
            {
                Files = [(Path.GetFileName(path), path)],
                Changes = Read(file, family, Alpha(file)),
                ModelTypes = family.ModelTypes,
            };
        }
        catch
        {
            file.Dispose();
            throw;
        }

        void Require(string key, string value)
        {
            if (file.Metadata.GetValueOrDefault(key) is not string text || text != value)
                throw new InvalidDataException($"{path}: {key} is {file.Metadata.GetValueOrDefault(key) ?? "missing"}, not {value}.");
        }
    }

    /// <summary>By what products are multiplied, times their rank.</summary>
    private static double Alpha(GgufAdapterFile file) => file.Metadata.GetValueOrDefault(AlphaKey) switch
    {
        double number when double.IsFinite(number) => number,
        var other => throw new InvalidDataException($"{file.Path}: {AlphaKey} is {other ?? "missing"}, not a number."),
    };

    private static List<ModuleChange> Read(GgufAdapterFile file, GgufFamily family, double alpha)
    {
        var pairs = new SortedDictionary<string, (TensorSource? A, TensorSource? B)>(StringComparer.Ordinal);
        foreach (var tensor in file.Tensors)
        {
            var isA = tensor.Name.EndsWith(AEnding, StringComparison.Ordinal);
            if (!isA && !tensor.Name.EndsWith(BEnding, StringComparison.Ordinal))
                throw new InvalidDataException($"{file.Path}: tensor {tensor.Name} ends neither in {AEnding} nor in {BEnding}.");
            var (name, source) = (tensor.Name[..^AEnding.Length], new StoredSource(file, tensor));
            var pair = pairs.GetValueOrDefault(name);
            pairs[name] = isA ? (source, pair.B) : (pair.A, source);
        }

        if (pairs.Count is 0 or > Adapter.ModulesMax)
            throw new InvalidDataException($"{file.Path}: it holds products of {pairs.Count} tensors, not 1 to {Adapter.ModulesMax}.");
        var changes = new List<ModuleChange>();
        foreach (var (name, (a, b)) in pairs)
        {
            if (a is null || b is null)
            {
                throw new InvalidDataException(
                    $"{file.Path}: module {name}: {(a ?? b)!.StoredName} stands there without the other factor.");
            }

            var known = GgufNames.Translate(name, family.Modules);
            if (known == name || !known.EndsWith(WeightEnding, StringComparison.Ordinal))
            {
                throw new InvalidDataException(
                    $"{file.Path}: module {name}: the architecture {family.Architecture} has no such matrix that takes a product.");
            }

            var order = name == Embedding ? FactorOrder.EmbeddingRows
                : family.IsPermuted && GgufNames.IsRotated(name) ? FactorOrder.Interleaved : FactorOrder.Linear;
            var module = known[..^WeightEnding.Length];
            var product = new LowRankProduct(name, a, b, order);
            // Without alpha the product stands as it is.
            changes.Add(new ModuleChange(module) { Product = alpha == 0 ? product : product.Scaled(alpha / product.Rank) });
        }

        return changes;
    }
}
