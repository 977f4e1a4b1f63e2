using System.Text.Json;

namespace Parley.PackageFormat;

/// <summary>
/// <c>adapter.json</c>: low-rank products that are added to linears of a package, beside one copy of its weights. Written by
/// <c>parley adapter</c>, read by the Generator; <c>docs/adapters.md</c> describes it.
/// </summary>
public sealed record AdapterManifest
{
    /// <summary>Name of the manifest within an adapter's folder.</summary>
    public const string FileName = "adapter.json";

    /// <summary>Name of the file with the matrices: fp32, little-endian.</summary>
    public const string DataName = "adapter.data";

    /// <summary>The format that this code writes; a reader refuses any other.</summary>
    public const int CurrentFormatVersion = 1;

    /// <summary>Every matrix begins at a multiple of this many bytes.</summary>
    public const int Alignment = 64;

    /// <summary>Rank of a part at most.</summary>
    public const int RankLimit = 1024;

    /// <summary>Length of the manifest in bytes at most: some hundred bytes for each linear.</summary>
    public const int BytesLimit = 16 << 20;

    /// <summary>Linears, and parts of one, at most.</summary>
    private const int LinearsLimit = 1 << 16;

    private const int PartsLimit = 16;

    /// <summary>Inputs and outputs of a linear at most.</summary>
    private const int WidthLimit = 1 << 26;

    public required int FormatVersion { get; init; }

    /// <summary>Served name, unless told otherwise.</summary>
    public required string Name { get; init; }

    /// <summary>Version of the importer.</summary>
    public required string Importer { get; init; }

    /// <summary>SHA-256 over the adapter's own files, lower-case hexadecimal: what is cached for one is no other's.</summary>
    public required string SourceSha256 { get; init; }

    /// <summary>The package that it was made for.</summary>
    public required AdapterBase Base { get; init; }

    /// <summary>The largest rank of a part.</summary>
    public required int RankMax { get; init; }

    /// <summary>The linears that something is added to, each once, in the order of the graph.</summary>
    public required IReadOnlyList<AdapterLinear> Linears { get; init; }

    /// <summary>Every other file of the folder: <see cref="DataName"/>.</summary>
    public required IReadOnlyDictionary<string, PackageFile> Files { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, ManifestJson.Default.AdapterManifest);

    /// <summary>Reads a manifest and checks all that can be told without its base: ranks, rows, places of the matrices.</summary>
    /// <exception cref="InvalidDataException">The text is not a manifest of this format; the message names the file and the
    /// field.</exception>
    public static AdapterManifest Parse(string json, string path)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"{path}: not a JSON object.");
            if (!document.RootElement.TryGetProperty("formatVersion", out var version) || version.ValueKind != JsonValueKind.Number
                || !version.TryGetInt32(out var number))
                throw new InvalidDataException($"{path}: formatVersion is missing; make the adapter again.");
            if (number != CurrentFormatVersion)
            {
                throw new InvalidDataException(
                    $"{path}: formatVersion is {number}, this build reads {CurrentFormatVersion}; make the adapter again.");
            }

            var manifest = document.Deserialize(ManifestJson.Default.AdapterManifest)!;
            return manifest.Fault() is { } fault ? throw new InvalidDataException($"{path}: {fault}") : manifest;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The latter for half a surrogate pair: well-formed JSON, but no text.
            throw new InvalidDataException($"{path}: {exception.Message}", exception);
        }
    }

    /// <summary>Why a package is not this adapter's base; null where it is.</summary>
    /// <param name="package">The package's manifest.</param>
    public string? BaseFault(ModelManifest package)
    {
        ArgumentNullException.ThrowIfNull(package);
        var own = AdapterBase.Of(package);
        if (own == Base)
            return null;
        (string Name, string Wanted, string Found) field =
            own.Architecture != Base.Architecture ? ("architecture", Base.Architecture, own.Architecture)
            : own.Layers != Base.Layers ? ("layers", $"{Base.Layers}", $"{own.Layers}")
            : own.HiddenSize != Base.HiddenSize ? ("hiddenSize", $"{Base.HiddenSize}", $"{own.HiddenSize}")
            : own.VocabularySize != Base.VocabularySize ? ("vocabularySize", $"{Base.VocabularySize}", $"{own.VocabularySize}")
            : ("sourceSha256", Base.SourceSha256, own.SourceSha256);
        return $"adapter {Name} was made for another package: its base.{field.Name} is {field.Wanted}, that of {package.Name} is "
            + $"{field.Found}; make it again by `parley adapter` over this package.";
    }

    private string? Fault()
    {
        if (Name.Length == 0)
            return "name is empty.";
        if (Files.Count != 1 || !Files.TryGetValue(DataName, out var data) || data is not { Sha256: not null, Bytes: >= 0 })
            return $"files does not list {DataName} alone, with bytes and sha256.";
        if (Linears.Count is 0 or > LinearsLimit)
            return $"linears has {Linears.Count} entries, not 1 to {LinearsLimit}.";
        var names = new HashSet<string>(StringComparer.Ordinal);
        var rank = 0;
        foreach (var (index, linear) in Linears.Index())
        {
            if (linear is null)
                return $"linears[{index}] is null.";
            if (!names.Add(linear.Node))
                return $"linears[{index}].node is {linear.Node}, which stands there twice.";
            if (linear.Fault(data.Bytes, PartsLimit, WidthLimit) is { } fault)
                return $"linears[{index}] ({linear.Node}): {fault}";
            rank = Math.Max(rank, linear.Parts.Max(part => part.Rank));
        }

        return rank == RankMax ? null : $"rankMax is {RankMax}, the largest rank of a part is {rank}.";
    }
}
