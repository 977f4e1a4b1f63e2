using Parley.PackageFormat;

namespace Parley.ModelImporter.Architectures;

/// <summary>
/// What a layer does in the place of attention: something with a state of a fixed size. The kinds of it derive from this, and each has an
/// emitter in the graph.
/// </summary>
internal abstract record LayerRecurrence
{
    /// <summary>What a sequence carries in a layer of this kind.</summary>
    /// <param name="layer">Index of the layer.</param>
    public abstract IReadOnlyList<StateShape> States(int layer);
}
