using Parley.ModelImporter.Adapters;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Package;
using Parley.PackageFormat;

namespace Parley.ModelImporter.AdapterPackages;

/// <summary>Adapter in, folder out that the Generator serves beside one copy of the base (<c>docs/adapters.md</c>).</summary>
public static class AdapterPackage
{
    private const string Weight = ".weight";
    private const string Instead = "merge it at import instead (parley import --adapter)";

    /// <summary>Makes the folder. It comes into being whole, by a rename, or not at all.</summary>
    /// <exception cref="InvalidDataException">The adapter is malformed, for another base, or does what is not served; the message names the
    /// module.</exception>
    /// <exception cref="IOException">The destination exists, or the disk is full.</exception>
    public static AdapterResult Run(AdapterOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (PackageFolder.Fault(options.Base) is { } fault)
            throw new InvalidDataException(fault);
        var manifestPath = Path.Combine(options.Base, ModelManifest.FileName);
        var manifest = ModelManifest.Parse(File.ReadAllText(manifestPath), manifestPath);
        if (manifest.Target is not null)
            throw new InvalidDataException($"{manifestPath}: the package is for CUDA, where adapters are not served; {Instead}.");
        using var adapter = Adapter.Open(options.Adapter);
        var (architecture, config) = CheckpointReader.DescribedBy(ConfigFile.Open(options.Base));
        if (adapter.ModelTypes is { } types && !types.Contains(architecture.ModelType))
        {
            throw new InvalidDataException(
                $"{adapter.Path}: the adapter is for {string.Join(", ", types)}, the base is {architecture.ModelType}.");
        }

        var weights = architecture.Weights(config with { Drafter = null, Shape = config.Shape with { TiedEmbeddings = false } });
        var parts = new AdapterParts(adapter.File.Path, weights, GraphLinears.Open(options.Base), config.Shape.HeadSize);
        var (known, skipped) = (weights.KnownNames(), 0);
        foreach (var change in adapter.Changes)
        {
            var name = architecture.Rename(change.Module + Weight, known);
            if (!known.Contains(name) && architecture.Ignores(name, config))
                skipped++;
            else if (Obstacle(change, name, weights) is { } obstacle)
                throw new InvalidDataException($"{adapter.File.Path}: module {change.Module}: {obstacle}; {Instead}.");
            else
                parts.Add(change, name, isKnown: known.Contains(name));
        }

        if (parts.Count == 0)
            throw new InvalidDataException($"{adapter.File.Path}: nothing in it is for the text model.");
        using var staging = new PackageStaging(options.Destination);
        var served = options.Name ?? adapter.Name;
        var data = parts.Write(Path.Combine(staging.Folder, AdapterManifest.DataName), out var linears, cancellationToken);
        var written = new AdapterManifest
        {
            FormatVersion = AdapterManifest.CurrentFormatVersion,
            Name = served,
            Importer = ModelImport.Version,
            SourceSha256 = adapter.Hash(cancellationToken),
            Base = AdapterBase.Of(manifest),
            RankMax = linears.Max(linear => linear.Parts.Max(part => part.Rank)),
            Linears = linears,
            Files = new Dictionary<string, PackageFile> { [AdapterManifest.DataName] = data },
        };
        // What is written can be read: no two modules of an adapter may mean the same rows.
        var json = written.ToJson() + "\n";
        _ = AdapterManifest.Parse(json, adapter.File.Path);
        var bytes = Write(Path.Combine(staging.Folder, AdapterManifest.FileName), json);
        var path = staging.Publish();
        return new AdapterResult(
            served, path, linears.Count, written.RankMax, data.Bytes + bytes,
            [.. adapter.Notes, .. skipped == 0 ? [] : new[] { $"{skipped} modules of towers are left out." }]);
    }

    /// <summary>Why a change cannot be served; null where it can.</summary>
    private static string? Obstacle(ModuleChange change, string name, DecoderWeights weights) =>
        change.Magnitude is not null ? "it is a DoRA, which changes whole rows"
        : change.Bias is not null || change.BiasUpdate is not null ? "it has a bias"
        : change.Weight is not null || change.Product is null ? "it is saved whole"
        : name == weights.Embedding.Parts[0].Weight || name == weights.PerLayer?.Table.Parts[0].Weight ? "it is an embedding"
        : name == weights.Head.Parts[0].Weight ? "it is the head"
        : weights.Mixtures.SelectMany(mixture => mixture.Experts).Any(expert => expert.Parts.Any(part => part.Weight == name))
            || weights.Mixtures.SelectMany(mixture => mixture.Stacks).Any(stack => stack.Names.Contains(name)) ? "it is of an expert"
        : weights.Layers.Any(layer => layer.Latent?.Stacks.Contains(name) == true) ? "it is the expansion of a latent"
        : null;

    private static int Write(string path, string json)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(json);
        using var file = File.Create(path);
        file.Write(bytes);
        file.Flush(flushToDisk: true);
        return bytes.Length;
    }
}
