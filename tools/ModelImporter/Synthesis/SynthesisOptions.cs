namespace Parley.ModelImporter.Synthesis;

/// <summary>Which random checkpoint to write.</summary>
public sealed record SynthesisOptions
{
    /// <value>One of <see cref="Synthesizer.Shapes"/>.</value>
    public required string Shape { get; init; }

    /// <value>Folder to write; it must not be there.</value>
    public required string Destination { get; init; }

    /// <value>The same seed gives the same weights, on any machine. Default: 0.</value>
    public int Seed { get; init; }
}
