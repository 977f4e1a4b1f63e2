using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>
/// MLX: <c>weight</c> in words, <c>scales</c>, <c>biases</c>; bits and groups may differ by module, embedding and head included. Experts
/// of a layer lie in one stack.
/// </summary>
/// <param name="config">The object that says bits and groups.</param>
internal sealed class MlxForm(ConfigFile config) : IStoredForm
{
    private const int WordBits = 32;
    private const string Stack = ".switch_mlp.";

    private static readonly Dictionary<string, string> MixtralNames = new(StringComparer.Ordinal)
    {
        ["gate_proj"] = "w1",
        ["down_proj"] = "w2",
        ["up_proj"] = "w3",
    };

    private readonly MlxScheme _scheme = MlxScheme.Read(config, null);

    public void Join(CheckpointTensors tensors)
    {
        foreach (var parts in ModuleParts.With(tensors, "scales"))
        {
            var own = parts.Module[..^1];
            var scheme = config.Has(own) && config.Object(own) is { } module ? MlxScheme.Read(module, _scheme) : _scheme;
            parts.Put(Source(parts, scheme));
        }

        foreach (var name in tensors.Names.Where(name => name.Contains(Stack, StringComparison.Ordinal)).ToArray())
            Unstack(tensors, name);
    }

    private static GroupedSource Source(ModuleParts parts, MlxScheme scheme)
    {
        var words = parts.Take("weight", "U32", "I32");
        var scales = parts.Take("scales");
        if (words.Shape.Count is not (2 or 3) || scales.Shape.Count != words.Shape.Count)
            throw ModuleParts.Refuse(words, "a matrix or a stack of such, as are the scales");
        var (wordCount, groups) = (ModuleParts.Size(words, words.Shape[^1]), ModuleParts.Size(scales, scales.Shape[^1]));
        var columns = (long)groups * scheme.Group;
        if (columns * scheme.Bits != (long)wordCount * WordBits)
        {
            throw ModuleParts.Refuse(words,
                $"{scheme.Bits} bits in groups of {scheme.Group}, as config.json says, for the {groups} scales of a row");
        }

        ModuleParts.Check(scales, [.. words.Shape.SkipLast(1), groups]);
        var codes = new StoredCodes(words, CodePacking.Bits, scheme.Bits, ModuleParts.Size(words, columns));
        long[] shape = [.. words.Shape.SkipLast(1), columns];
        if (!scheme.HasBiases)
        {
            return new GroupedSource(
                new RowwiseCodes(codes, new RowNumbers(new StoredNumbers(scales, scheme.Scales)) { PerRow = groups }, new EqualNumbers(0)),
                ColumnGroups.Even((int)columns, scheme.Group), LevelMeaning.Fp4, shape, $"MLX-{scheme.Mode}");
        }

        var biases = parts.Take("biases");
        ModuleParts.Check(biases, [.. scales.Shape]);
        return new GroupedSource(
            new RowwiseCodes(
                codes, new RowNumbers(new StoredNumbers(scales)) { PerRow = groups },
                new RowNumbers(new StoredNumbers(biases)) { PerRow = groups }),
            ColumnGroups.Even((int)columns, scheme.Group), new BiasMeaning(scheme.Bits), shape, $"MLX-{scheme.Bits}");
    }

    /// <summary>Gives each expert's matrix the name that Hugging Face has for it.</summary>
    private static void Unstack(CheckpointTensors tensors, string name)
    {
        var stack = tensors.Source(name);
        var at = name.IndexOf(Stack, StringComparison.Ordinal);
        var (module, rest) = (name[..at], name[(at + Stack.Length)..].Split('.'));
        if (stack.Shape is not [> 0 and < 1 << 16 and var experts, var rows, var columns] || rest is not [var linear, "weight"])
            return;
        if (module.EndsWith("block_sparse_moe", StringComparison.Ordinal))
            linear = MixtralNames.GetValueOrDefault(linear, linear);
        tensors.Remove(name);
        for (var expert = 0; expert < experts; expert++)
            tensors.Add($"{module}.experts.{expert}.{linear}.weight", new RowsSource(stack, expert * rows, 1, [rows, columns]));
    }
}
