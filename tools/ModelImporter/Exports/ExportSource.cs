using Parley.ModelImporter.Architectures;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Exports;

/// <summary>
/// A model that somebody has exported to ONNX: a folder with a <c>genai_config.json</c>, one with <c>config.json</c> and graphs in
/// <c>onnx/</c> or beside it, or one of those graphs.
/// </summary>
/// <param name="GraphPath">The graph; its weights lie in it or beside it.</param>
/// <param name="Folder">What describes the model lies here.</param>
/// <param name="Others">Names of further graphs beside the chosen one.</param>
internal sealed record ExportSource(string GraphPath, string Folder, IReadOnlyList<string> Others)
{
    public const string GenaiName = "genai_config.json";

    private const string Ending = ".onnx";
    private const string GraphFolder = "onnx";

    /// <summary>The graphs of onnx-community by name, the most exact first; the first that is there is taken.</summary>
    private static readonly string[] Preferred =
    [
        "model.onnx", "model_fp16.onnx", "model_int8.onnx", "model_quantized.onnx", "model_uint8.onnx", "model_q4.onnx", "model_q4f16.onnx",
        "model_bnb4.onnx",
    ];

    /// <summary>The <c>genai_config.json</c>; null where there is none.</summary>
    public string? GenaiPath => SourceFile.Exists(Path.Combine(Folder, GenaiName)) ? Path.Combine(Folder, GenaiName) : null;

    /// <summary>Whether a source is an export and no checkpoint.</summary>
    public static bool Is(string source) => IsGraph(source) && SourceFile.Exists(source)
        || Directory.Exists(source) && !HasWeights(source) && !SourceFile.Exists(Path.Combine(source, ModelManifest.FileName))
            && (SourceFile.Exists(Path.Combine(source, GenaiName)) || GraphsOf(source).Length > 0
                || GraphsOf(Path.Combine(source, GraphFolder)).Length > 0);

    /// <summary>The folder whose files describe the model of a source that <see cref="Is"/> an export.</summary>
    public static string FolderOf(string source)
    {
        var folder = IsGraph(source) ? Path.GetDirectoryName(Path.GetFullPath(source))! : Path.GetFullPath(source);
        var describes = SourceFile.Exists(Path.Combine(folder, ConfigFile.Name)) || SourceFile.Exists(Path.Combine(folder, GenaiName));
        return !describes && Path.GetFileName(folder) == GraphFolder ? Path.GetDirectoryName(folder)! : folder;
    }

    /// <summary>Chooses the graph of a source.</summary>
    /// <exception cref="InvalidDataException">There is none, or none of the known names among several.</exception>
    public static ExportSource Open(string source)
    {
        var folder = FolderOf(source);
        if (IsGraph(source))
            return new ExportSource(Path.GetFullPath(source), folder, []);
        var genai = Path.Combine(folder, GenaiName);
        if (SourceFile.Exists(genai))
        {
            var name = GenaiConfig.Open(genai).FileName;
            var path = Path.Combine(folder, name);
            return SourceFile.Exists(path) ? new ExportSource(path, folder, [])
                : throw new InvalidDataException($"{genai}: model.decoder.filename is {name}, which is missing beside it.");
        }

        var place = GraphsOf(source) is { Length: > 0 } ? source : Path.Combine(source, GraphFolder);
        var names = GraphsOf(place);
        if (names.Length == 0)
        {
            throw new InvalidDataException(
                $"{source}: neither {GenaiName} nor an {Ending} file is there, or in {GraphFolder}/; {ModelImport.Exported} is the "
                + "precision of exports alone.");
        }

        var chosen = names is [var only] ? only : Preferred.FirstOrDefault(names.Contains)
            ?? throw new InvalidDataException(
                $"{place}: none of the graphs is named {Preferred[0]}; name one of them: {string.Join(", ", names)}.");
        return new ExportSource(Path.Combine(place, chosen), folder, [.. names.Where(name => name != chosen)]);
    }

    private static bool IsGraph(string source) => source.EndsWith(Ending, StringComparison.OrdinalIgnoreCase) && !Directory.Exists(source);

    private static bool HasWeights(string folder) => CheckpointFiles.Names(folder).Any(name =>
        name.EndsWith(".safetensors", StringComparison.Ordinal) || name.EndsWith(".safetensors.index.json", StringComparison.Ordinal)
        || name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase));

    private static string[] GraphsOf(string folder) =>
        [.. CheckpointFiles.Names(folder).Where(IsGraph).Order(StringComparer.Ordinal)];
}
