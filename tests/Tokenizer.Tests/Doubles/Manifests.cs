using Parley.PackageFormat;

namespace Parley.Tokenizer.Tests.Doubles;

/// <summary>Manifests of packages that have no weights.</summary>
internal static class Manifests
{
    /// <param name="name">The model's name.</param>
    /// <param name="files">Files that it lists. Default: null, which is none.</param>
    public static ModelManifest Of(string name, IReadOnlyDictionary<string, PackageFile>? files = null) => new()
    {
        FormatVersion = ModelManifest.CurrentFormatVersion,
        Name = name,
        Architecture = "LlamaForCausalLM",
        Precision = "fp32",
        Shape = new ModelShape(1, 16, 16, 1, 1, 16, 305, 64, TiedEmbeddings: false),
        Parameters = 1,
        Opset = 21,
        Importer = "1",
        SourceSha256 = "",
        Files = files ?? new Dictionary<string, PackageFile>(),
    };
}
