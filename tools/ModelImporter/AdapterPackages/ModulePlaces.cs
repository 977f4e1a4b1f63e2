using Parley.ModelImporter.Architectures;

namespace Parley.ModelImporter.AdapterPackages;

/// <summary>Which linears the matrices of a decoder's modules are rows of.</summary>
internal sealed class ModulePlaces
{
    private readonly Dictionary<string, List<ModulePlace>> _places = new(StringComparer.Ordinal);

    public ModulePlaces(DecoderWeights weights)
    {
        foreach (var layer in weights.Layers)
        {
            foreach (var linear in layer.Linears.Where(linear => linear.Stack is null))
                Add(linear);
            foreach (var stack in layer.Stacks)
                Add(stack);
            if (layer.Mlp is MixtureWeights { SharedStack: { } name, Shared.GateUp: var shared })
                Add(name, shared);
        }

        if (weights.PerLayer is { } perLayer)
            Add(perLayer.Projection);
    }

    /// <summary>The places of a module's rows; null where it is no linear of the graph's own.</summary>
    /// <param name="tensor">Name of its weight.</param>
    public IReadOnlyList<ModulePlace>? Find(string tensor) => _places.GetValueOrDefault(tensor);

    private void Add(LinearWeights linear)
    {
        var first = 0;
        foreach (var part in linear.Parts)
        {
            _places[part.Weight] = [new ModulePlace(linear, first, [.. Enumerable.Range(0, part.Stored)])];
            first += part.Outputs;
        }
    }

    /// <summary>A matrix whose rows are those of all parts, one after the other.</summary>
    private void Add(string name, LinearWeights linear)
    {
        var (first, places) = (0, new List<ModulePlace>());
        foreach (var part in linear.Parts)
        {
            places.Add(new ModulePlace(linear, first, [.. Enumerable.Range(first, part.Outputs)]));
            first += part.Outputs;
        }

        _places[name] = places;
    }

    /// <summary>A matrix whose rows take turns; each run has a part, which is in its place already.</summary>
    private void Add(TurnStack stack)
    {
        var (first, step, places) = (0, stack.Outputs / stack.Turns, new List<ModulePlace>());
        foreach (var (part, rows) in stack.Runs)
        {
            if (!_places.TryGetValue(part.Weight, out var found))
                return;
            var (place, start) = (found[0], first);
            places.Add(place with
            {
                Rows = [.. Enumerable.Range(0, part.Outputs).Select(row => (row / rows * step) + start + (row % rows))],
            });
            first += rows;
        }

        _places[stack.Names[0]] = places;
    }
}
