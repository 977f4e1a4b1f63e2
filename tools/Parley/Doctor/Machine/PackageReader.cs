using Parley.Cli.Models;
using Parley.Cli.Sizing;
using Parley.Generator.Model;
using Parley.ModelHub;
using Parley.ModelHub.Naming;
using Parley.ModelImporter;
using Parley.ModelPackages;
using Parley.PackageFormat;

namespace Parley.Cli.Doctor.Machine;

/// <summary>Finds and checks the model that a text names, on this machine alone: nothing is fetched and nothing imported.</summary>
internal static class PackageReader
{
    /// <param name="named">Name or path.</param>
    /// <param name="hub">The Hub's cache; null where its settings cannot be read.</param>
    public static PackageFacts Read(string named, HubSettings? hub)
    {
        try
        {
            if (ModelReference.IsPath(named))
                return ReadPath(named, ModelSource.OfPath(named).Path);
            if (hub is null)
                return Absent(named);
            var stored = ModelStore.Find(ModelStore.List(hub, PackageCache.PackagesFolder), named);
            var found = stored.Where(model => model.Kind == ModelStore.Package).MaxBy(model => model.LastUse)
                ?? stored.MaxBy(model => model.LastUse);
            return found is null ? Absent(named) : ReadPath(named, found.Path);
        }
        catch (Exception exception) when (ErrorReport.For(exception) is not null)
        {
            return new PackageFacts(named, null, false, null, null, null, 0, exception.Message);
        }
    }

    private static PackageFacts Absent(string named) => new(named, null, false, null, null, null, 0, null);

    private static PackageFacts ReadPath(string named, string path)
    {
        var manifest = Path.Combine(path, ModelManifest.FileName);
        if (!File.Exists(manifest))
        {
            var size = ModelSize.OfSource(named, path, ModelImport.DefaultPrecision(path), context: 0);
            return new PackageFacts(named, path, false, null, null, size, size.WeightBytes, null);
        }

        var made = new DateTimeOffset(File.GetLastWriteTimeUtc(manifest), TimeSpan.Zero);
        try
        {
            // A look at every byte: what a volume or a copy has broken shows here and not in an answer.
            var package = ModelPackage.Open(path, verifyHashes: true);
            return new PackageFacts(
                named, path, true, package.Manifest.Importer, made, ModelSize.OfPackage(package),
                package.Manifest.Files.Values.Sum(file => file.Bytes), null);
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return new PackageFacts(named, path, true, null, made, null, 0, exception.Message);
        }
    }
}
