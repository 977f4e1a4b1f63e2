using System.CommandLine;
using Parley.PackageFormat;

namespace Parley.Cli.Packages;

/// <summary>A package that an import would write, and that is there already: a job that is run again has nothing to do.</summary>
internal static class ExistingPackage
{
    public static Option<bool> CreateOption() => new("--if-missing")
    {
        Description = "Do nothing where the destination is a whole package of that precision already: for jobs that are run again.",
    };

    /// <summary>What is there, in words; null where nothing is, and the import has its work to do.</summary>
    /// <param name="folder">The import's destination.</param>
    /// <param name="precision">The precision that is wanted; null is any.</param>
    /// <exception cref="UserErrorException">What is there is no whole package, or one of another precision.</exception>
    /// <exception cref="InvalidDataException">Its manifest cannot be read.</exception>
    public static string? Describe(string folder, string? precision)
    {
        if (!Directory.Exists(folder))
            return null;
        if (PackageFolder.Fault(folder) is { } fault)
            throw new UserErrorException($"{fault} An import does not write into a folder that exists: remove it.");
        var path = Path.Combine(folder, ModelManifest.FileName);
        var manifest = ModelManifest.Parse(File.ReadAllText(path), path);
        var faults = manifest.Files.Select(file => PackageFolder.Fault(folder, file.Key, file.Value)).OfType<string>();
        if (faults.FirstOrDefault() is { } broken)
            throw new UserErrorException($"{broken} Remove {folder} first.");
        return precision is null || precision == manifest.Precision
            ? $"{manifest.Name}: {folder} holds it already as {manifest.Precision}; nothing to do"
            : throw new UserErrorException(
                $"{folder} holds {manifest.Name} as {manifest.Precision}, not {precision}: import under another name, or remove it.");
    }
}
