namespace Parley.ModelImporter.AdapterPackages;

/// <summary>Which adapter is made ready to be served, beside which package.</summary>
public sealed record AdapterOptions
{
    /// <value>peft's folder, or llama.cpp's GGUF file.</value>
    public required string Adapter { get; init; }

    /// <value>Folder of the package whose linears it is added to.</value>
    public required string Base { get; init; }

    /// <value>Folder of the result; its parent is created where missing, itself must not be there.</value>
    public required string Destination { get; init; }

    /// <value>Served name. Default: that of the adapter's folder or file, as for a checkpoint.</value>
    public string? Name { get; init; }
}
