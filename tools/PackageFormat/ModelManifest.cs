using System.Text.Json;

namespace Parley.PackageFormat;

/// <summary>
/// <c>parley.json</c>: what a package is. Written by the importer, read by the services; <c>docs/model-package.md</c> describes it.
/// </summary>
public sealed record ModelManifest
{
    /// <summary>Name of the manifest within a package.</summary>
    public const string FileName = "parley.json";

    /// <summary>The format that this code writes; a reader refuses any other.</summary>
    public const int CurrentFormatVersion = 2;

    public required int FormatVersion { get; init; }

    /// <summary>Served name, e.g. <c>smollm2-135m-instruct</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Architecture as <c>config.json</c> names it, e.g. <c>LlamaForCausalLM</c>.</summary>
    public required string Architecture { get; init; }

    /// <summary>
    /// <c>fp32</c>, <c>w8a8</c>, <c>int8</c>, <c>int4</c>; for CUDA <c>fp16</c>, <c>bf16</c>, <c>int4-fp16</c>;
    /// <c>exported</c>: as others wrote it.
    /// </summary>
    public required string Precision { get; init; }

    public required ModelShape Shape { get; init; }

    /// <summary>The device of the graph; null is the CPU.</summary>
    public GraphTarget? Target { get; init; }

    /// <summary>How a step is given to a graph that others have written; null where it is one of ours.</summary>
    public ExportedGraph? Export { get; init; }

    /// <summary>Number of weights of the source, a tied embedding counted once.</summary>
    public required long Parameters { get; init; }

    /// <summary>
    /// Bytes of the weights that are read row by row, a row for each token: they stay in the mapped file, and need not be in memory. Null
    /// for none.
    /// </summary>
    public long? RowBytes { get; init; }

    /// <summary>Version of the ai.onnx operator set in <c>model.onnx</c>.</summary>
    public required int Opset { get; init; }

    /// <summary>Version of the importer; part of the key of import caches.</summary>
    public required string Importer { get; init; }

    /// <summary>SHA-256 over the source's files, lower-case hexadecimal.</summary>
    public required string SourceSha256 { get; init; }

    /// <summary>Hub revision, where the source names one.</summary>
    public string? SourceRevision { get; init; }

    /// <summary>Every other file of the package by its name, with a slash after the folder of further chat templates.</summary>
    public required IReadOnlyDictionary<string, PackageFile> Files { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, ManifestJson.Default.ModelManifest);

    /// <summary>Reads a manifest.</summary>
    /// <exception cref="InvalidDataException">The text is not a manifest of this format; the message names the file and the
    /// field.</exception>
    public static ModelManifest Parse(string json, string path)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"{path}: not a JSON object.");
            if (!document.RootElement.TryGetProperty("formatVersion", out var version) || version.ValueKind != JsonValueKind.Number
                || !version.TryGetInt32(out var number))
                throw new InvalidDataException($"{path}: formatVersion is missing; import the model again.");
            if (number != CurrentFormatVersion)
            {
                throw new InvalidDataException(
                    $"{path}: formatVersion is {number}, this build reads {CurrentFormatVersion}; import the model again.");
            }

            var manifest = document.Deserialize(ManifestJson.Default.ModelManifest)!;
            // What a dictionary holds may be null in spite of its type.
            return manifest.Files.FirstOrDefault(file => file.Value?.Sha256 is null).Key is not { } empty
                ? manifest
                : throw new InvalidDataException($"{path}: files.{empty} is null; import the model again.");
        }
        catch (InvalidOperationException exception)
        {
            // Half a surrogate pair: well-formed JSON, but no text.
            throw new InvalidDataException($"{path}: {exception.Message}", exception);
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{path}: {exception.Message}", exception);
        }
    }
}
