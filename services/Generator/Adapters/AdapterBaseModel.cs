using Parley.Generator.Execution.Kernels.Adapters;
using Parley.PackageFormat;

namespace Parley.Generator.Adapters;

/// <summary>The model that adapters are served beside.</summary>
/// <param name="Names">Its served names, which no adapter may have.</param>
/// <param name="Manifest">Its package's.</param>
/// <param name="Linears">Those that take adapters; null, or none of them, where its runner takes none.</param>
internal sealed record AdapterBaseModel(IReadOnlyList<string> Names, ModelManifest Manifest, AdaptedLinears? Linears)
{
    /// <summary>Why it takes no adapters, with the way out; null where it does.</summary>
    public string? Fault => Linears is { All.Count: > 0 } ? null
        : $"adapters are served beside packages of int4 or int8 on the CPU, and {Manifest.Name} is {Manifest.Precision}"
            + $"{(Manifest.Target is null ? " with linears that take none" : " for CUDA")}: import the model with --precision int4 or "
            + "int8, or merge the adapter by `parley import --adapter`.";
}
