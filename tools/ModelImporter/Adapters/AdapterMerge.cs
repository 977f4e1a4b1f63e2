using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Adapters;

/// <summary>Puts what adapters do into the tensors of a checkpoint, before anything is rounded.</summary>
/// <param name="tensors">The checkpoint, under known names, with matrices as transformers' modules have them.</param>
/// <param name="architecture">Names the tensors.</param>
/// <param name="config">What config.json says; of a GGUF file what the metadata say.</param>
/// <param name="known">All names that tensors may have.</param>
internal sealed class AdapterMerge(
    CheckpointTensors tensors, IArchitecture architecture, DecoderConfig config, IReadOnlySet<string> known)
{
    private const string Weight = ".weight";
    private const string Bias = ".bias";

    private readonly string _embedding = $"{DecoderTensors.Prefix}embed_tokens.weight";
    private readonly string _head = "lm_head.weight";

    /// <summary>Merges an adapter on top of what was merged before; its file is the checkpoint's from now on.</summary>
    /// <returns>What is to be known of it, one sentence each.</returns>
    /// <exception cref="InvalidDataException">It is for another base, or changes what this one has not; the message names the
    /// module.</exception>
    public IReadOnlyList<string> Apply(Adapter adapter)
    {
        tensors.Join(adapter.File);
        if (adapter.ModelTypes is { } types && !types.Contains(architecture.ModelType))
        {
            throw new InvalidDataException(
                $"{adapter.Path}: the adapter is for {string.Join(", ", types)}, the base is {architecture.ModelType}.");
        }

        var (changed, rounded, skipped, names) = (0, 0, 0, new HashSet<string>(StringComparer.Ordinal));
        var follows = adapter.ChangesTied && adapter.Changes.Any(change => NameOf(change.Module, Weight) == _embedding);
        foreach (var change in adapter.Changes)
        {
            var name = NameOf(change.Module, Weight);
            // The head of a tied pair is changed with the embedding.
            if (name == _head && follows && IsTied)
                continue;
            SeparateTied(name, adapter.ChangesTied);
            if (!tensors.Contains(name) && !tensors.Contains(NameOf(change.Module, Bias)))
            {
                if (!architecture.Ignores(name, config))
                    throw Fault(adapter, change, Missing(name));
                skipped++;
                continue;
            }

            if (!names.Add(name))
                throw Fault(adapter, change, "another module of the adapter means the same");
            rounded += (change.Weight is not null || change.Product is not null) && tensors.IsRounded(name) ? 1 : 0;
            changed++;
            Apply(adapter, change, name);
            if (name == _embedding && adapter.ChangesTied && config.Shape.TiedEmbeddings && tensors.Contains(_head))
                Apply(adapter, change, _head);
        }

        return [.. adapter.Notes.Select(note => $"adapter {adapter.Name}: {note}"), Describe(adapter.Name, changed, rounded, skipped)];
    }

    private bool IsTied => config.Shape.TiedEmbeddings || (tensors.Gguf is not null && !tensors.Contains(_head));

    private static string Describe(string name, int changed, int rounded, int skipped) =>
        $"adapter {name}: merged into {changed} modules"
        + (rounded == 0 ? "" : $"; {rounded} of them came quantised, and are rounded anew from the sum")
        + (skipped == 0 ? "" : $"; {skipped} modules of towers are left out")
        + ".";

    private string NameOf(string module, string ending) => architecture.Rename(module + ending, known);

    /// <summary>Of a tied pair one is changed and the other is not, as in peft, where each is a module of its own.</summary>
    private void SeparateTied(string name, bool changesTied)
    {
        if (!IsTied || (name != _embedding && name != _head))
            return;
        if (!tensors.Contains(_embedding) && tensors.Contains(_head))
            tensors.Add(_embedding, tensors.Source(_head));
        else if (!tensors.Contains(_head) && tensors.Contains(_embedding) && !(changesTied && name == _embedding))
            tensors.Add(_head, tensors.Source(_embedding));
    }

    private void Apply(Adapter adapter, ModuleChange change, string name)
    {
        if (change.Weight is not null || change.Product is not null)
        {
            var found = tensors.Contains(name) ? tensors.Source(name) : throw Fault(adapter, change, Missing(name));
            tensors.Replace(name, WeightOf(adapter, change, name, found));
        }

        if (change.Bias is null && change.BiasUpdate is null)
            return;
        var bias = NameOf(change.Module, Bias);
        if (!tensors.Contains(bias))
            throw Fault(adapter, change, "it has a bias, but that of the base has none");
        var source = tensors.Source(bias);
        if (change.Bias is { } own)
            source = Same(adapter, change, own, source);
        if (change.BiasUpdate is { } update)
            source = new BiasSource(Same(adapter, change, update, source, isUpdate: true), update, change.Product!.Scale);
        tensors.Replace(bias, source);
    }

    private TensorSource WeightOf(Adapter adapter, ModuleChange change, string name, TensorSource source)
    {
        if (change.Weight is { } own)
        {
            if (source.Shape.Count == 1 && tensors.Gguf is not null && config.Norm.AddsOne)
            {
                throw Fault(
                    adapter, change, "it is a whole norm, which GGUF files of this family store in another way; merge it into safetensors");
            }

            source = Same(adapter, change, own, source);
        }

        if (change.Product is not { } product)
            return source;
        var isTable = name == _embedding || name.EndsWith("embed_tokens_per_layer.weight", StringComparison.Ordinal);
        if (product.IsEmbedding != isTable)
            throw Fault(adapter, change, product.IsEmbedding ? "it has factors of an embedding, and is none" : "it is an embedding");
        if (source.Shape is not [var outputs, var inputs] || outputs != product.Outputs || inputs != product.Inputs)
        {
            throw Fault(adapter, change, $"its product has the shape [{product.Outputs}, {product.Inputs}], "
                + $"the base's matrix {source.ShapeText}; the adapter is for another base");
        }

        return new LowRankSource(source, product, config.Shape.HeadSize, change.Magnitude);
    }

    private static TensorSource Same(
        Adapter adapter, ModuleChange change, TensorSource own, TensorSource found, bool isUpdate = false) =>
        own.Shape.SequenceEqual(found.Shape)
            ? isUpdate ? found : own
            : throw Fault(adapter, change, $"{own.StoredName} has the shape {own.ShapeText}, the base's {found.ShapeText}; the adapter is "
                + "for another base, or for one whose vocabulary was changed");

    private string Missing(string name) => known.Contains(name)
        ? $"this checkpoint keeps {name} in another form, together with others or apart; merge the adapter into its maker's safetensors"
        : "the base has no such module; the adapter is for another one";

    private static InvalidDataException Fault(Adapter adapter, ModuleChange change, string what) =>
        new($"{adapter.File.Path}: module {change.Module}: {what}.");
}
