namespace Parley.ModelImporter.Architectures;

/// <summary>What a family calls the modules of its layers without attention.</summary>
internal sealed record RecurrenceNames
{
    /// <summary>The first linear.</summary>
    public string Input { get; init; } = "conv.in_proj";

    /// <summary>The convolution.</summary>
    public string Convolution { get; init; } = "conv.conv";

    /// <summary>The last linear.</summary>
    public string Output { get; init; } = "conv.out_proj";
}
