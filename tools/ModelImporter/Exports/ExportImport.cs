using System.Globalization;
using System.Text;
using Google.Protobuf;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph.Onnx;
using Parley.ModelImporter.Package;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Exports;

/// <summary>
/// Makes a package of an export as it is: the graph with a choice of rows in front of its head, its weights byte for byte, and what
/// describes the model.
/// </summary>
internal static class ExportImport
{
    private const string GraphName = "model.onnx";
    private const string DataName = "model.data";
    private const int BufferBytes = 1 << 20;
    private const int InlineBytesMax = 1024;

    /// <summary>ONNX Runtime maps external data whose offset is a multiple of the page, on Windows of the allocation granularity.</summary>
    private const long Alignment = 64 << 10;

    /// <summary>The files that are read of an export, by the names that a package has them under.</summary>
    public static IReadOnlyList<(string Name, string Path)> Present(string source)
    {
        var export = ExportSource.Open(source);
        var model = ExportedModel.Open(export.GraphPath);
        var folder = Path.GetDirectoryName(export.GraphPath)!;
        return
        [
            .. Described(export),
            .. export.GenaiPath is { } genai ? [(ExportSource.GenaiName, genai)] : Array.Empty<(string, string)>(),
            (Path.GetFileName(export.GraphPath), export.GraphPath),
            .. model.Data.Select(name => (name, Path.Combine(folder, name))),
        ];
    }

    /// <summary>Imports an export.</summary>
    /// <exception cref="InvalidDataException">It is malformed, or of no known convention; the message names file and what.</exception>
    /// <exception cref="IOException">The destination exists, or the disk is full.</exception>
    public static ImportResult Run(ImportOptions options, IProgress<ImportProgress>? progress, CancellationToken cancellationToken)
    {
        var source = ExportSource.Open(options.Source);
        var described = Described(source);
        if (TokenizerFiles.Choose(described.Select(file => file.Name)) is null)
        {
            throw new InvalidDataException($"{Path.Combine(source.Folder, TokenizerFiles.Json)} is missing, and so are "
                + $"{TokenizerFiles.SentencePiece} and *{TokenizerFiles.TiktokenEnding}: the model has no tokenizer beside it.");
        }

        var model = ExportedModel.Open(source.GraphPath);
        var read = ExportedShape.Read(source, model);
        RefuseTaken(model, described);
        using var staging = new PackageStaging(options.Destination);
        string hash;
        using (var digest = new SourceDigest(options.Source))
            hash = digest.Complete(new ParallelOptions { CancellationToken = cancellationToken }, progress);
        var folder = staging.Folder;
        foreach (var (name, bytes) in SmallFiles(source, described))
            Write(Path.Combine(folder, name), bytes);
        Flush(Path.Combine(folder, TokenizerFiles.MoreTemplates));

        var graph = read.Graph;
        if (graph.LogitRows == ExportedGraph.All && LogitRowsCut.TryApply(model.Graph, graph.Logits, read.Shape.VocabularySize))
            graph = graph with { LogitRows = ExportedGraph.Rows };
        graph = graph with { Data = WriteData(model, folder, progress, cancellationToken) };
        Write(Path.Combine(folder, GraphName), model.Model.ToByteArray());

        var files = HashAll(folder, progress, cancellationToken);
        var shape = read.Shape with { ContextTokensMax = Math.Min(options.ContextTokensMax, read.Shape.ContextTokensMax) };
        var manifest = new ModelManifest
        {
            FormatVersion = ModelManifest.CurrentFormatVersion,
            Name = options.Name ?? ModelImport.NameOf(options.Source),
            Architecture = read.Architecture,
            Precision = ModelImport.Exported,
            Shape = shape,
            Export = graph,
            Parameters = read.Parameters,
            Opset = model.Opset,
            Importer = ModelImport.Version,
            SourceSha256 = hash,
            SourceRevision = SourceName.RevisionOf(options.Source),
            Files = files,
        };
        var text = Encoding.UTF8.GetBytes(manifest.ToJson() + "\n");
        Write(Path.Combine(folder, ModelManifest.FileName), text);
        cancellationToken.ThrowIfCancellationRequested();
        var path = staging.Publish(options.AppendsSourceHash ? $"-{hash[..ImportOptions.HashDigits]}" : "");
        return new ImportResult(
            manifest.Name, path, read.Architecture, manifest.Precision, read.Parameters, files.Values.Sum(file => file.Bytes) + text.Length,
            shape.ContextTokensMax, hash)
        {
            Notes = [.. Notes(source, graph)],
        };
    }

    /// <summary>The small files of a package of an export, those that are made included.</summary>
    public static IEnumerable<(string Name, byte[] Bytes)> SmallFiles(string source)
    {
        var export = ExportSource.Open(source);
        return SmallFiles(export, Described(export));
    }

    private static IReadOnlyList<(string Name, string Path)> Described(ExportSource source) =>
        [.. CheckpointFiles.Taken(source.Folder).Select(name => (name, Path.Combine(source.Folder, name)))];

    private static IEnumerable<(string Name, byte[] Bytes)> SmallFiles(
        ExportSource source, IReadOnlyList<(string Name, string Path)> described)
    {
        foreach (var (name, file) in described)
        {
            var bytes = File.ReadAllBytes(file);
            yield return (name, name is ConfigFile.Name or CheckpointReader.GenerationName ? PythonNumbers.Spell(bytes) : bytes);
        }

        foreach (var made in MadeFiles(source))
            yield return made;
    }

    /// <summary>What <c>genai_config.json</c> says where the files that services read are missing.</summary>
    public static IEnumerable<(string Name, byte[] Bytes)> MadeFiles(ExportSource source)
    {
        if (source.GenaiPath is not { } path)
            yield break;
        var genai = GenaiConfig.Open(path);
        if (!SourceFile.Exists(Path.Combine(source.Folder, ConfigFile.Name)))
            yield return (ConfigFile.Name, genai.MakeConfig());
        if (!SourceFile.Exists(Path.Combine(source.Folder, CheckpointReader.GenerationName)))
            yield return (CheckpointReader.GenerationName, genai.MakeGeneration());
    }

    /// <summary>Weights may not lie under a name that a package has for something else.</summary>
    private static void RefuseTaken(ExportedModel model, IReadOnlyList<(string Name, string Path)> described)
    {
        string[] taken =
        [
            GraphName, ModelManifest.FileName, .. CheckpointFiles.Copied.Select(file => file.Name), .. described.Select(file => file.Name),
        ];
        if (model.Data.FirstOrDefault(name => taken.Contains(name, StringComparer.OrdinalIgnoreCase)) is { } name)
            throw new InvalidDataException($"{model.Path}: weights lie in {name}, which is the name of another file of a package.");
    }

    private static IEnumerable<string> Notes(ExportSource source, ExportedGraph graph)
    {
        yield return graph.Caches == ExportedGraph.Shared
            ? "the graph runs as it was exported, on ONNX Runtime's operators; --precision int4 or int8 imports its weights into a graph "
                + "of ours where the architecture is one that is known."
            : "the graph's caches grow, so it runs one sequence at a time.";
        if (source.Others.Count > 0)
        {
            var others = string.Join(", ", source.Others);
            yield return $"{Path.GetFileName(source.GraphPath)} was taken; beside it lie {others}: each is imported by its path.";
        }
    }

    /// <summary>Copies the weights, or moves those of the graph beside it.</summary>
    /// <returns>Names of the files.</returns>
    private static IReadOnlyList<string> WriteData(
        ExportedModel model, string folder, IProgress<ImportProgress>? progress, CancellationToken cancellationToken)
    {
        var from = Path.GetDirectoryName(model.Path)!;
        if (model.Data.Count == 0)
            return MoveOut(model, Path.Combine(folder, DataName));
        var (done, total) = (0L, model.Data.Sum(name => SourceFile.Length(Path.Combine(from, name))));
        var buffer = new byte[BufferBytes];
        foreach (var name in model.Data)
        {
            using var input = File.OpenHandle(Path.Combine(from, name), options: FileOptions.SequentialScan);
            using var output = new DataFile(Path.Combine(folder, name), RandomAccess.GetLength(input));
            for (long offset = 0; RandomAccess.Read(input, buffer, offset) is var read and > 0; offset += read)
            {
                cancellationToken.ThrowIfCancellationRequested();
                output.Write(offset, buffer.AsSpan(0, read));
                progress?.Report(new ImportProgress("convert", done += read, total));
            }

            output.Flush();
        }

        return [.. model.Data];
    }

    /// <summary>Puts the weights that lie in the graph into a file, which is mapped and not read at each start.</summary>
    private static string[] MoveOut(ExportedModel model, string path)
    {
        var tensors = model.Graph.Initializer.Where(tensor => tensor.HasRawData && tensor.RawData.Length > InlineBytesMax).ToList();
        if (tensors.Count == 0)
            return [];
        var total = 0L;
        foreach (var tensor in tensors)
            total = Aligned(total) + tensor.RawData.Length;
        using var data = new DataFile(path, total);
        var end = 0L;
        foreach (var tensor in tensors)
        {
            var offset = Aligned(end);
            data.Write(offset, tensor.RawData.Span);
            end = offset + tensor.RawData.Length;
            tensor.DataLocation = TensorProto.Types.DataLocation.External;
            Add("location", Path.GetFileName(path));
            Add("offset", offset.ToString(CultureInfo.InvariantCulture));
            Add("length", tensor.RawData.Length.ToString(CultureInfo.InvariantCulture));
            tensor.ClearRawData();

            void Add(string key, string value) => tensor.ExternalData.Add(new StringStringEntryProto { Key = key, Value = value });
        }

        data.Flush();
        return [Path.GetFileName(path)];
    }

    private static long Aligned(long offset) => (offset + Alignment - 1) / Alignment * Alignment;

    private static void Write(string path, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var file = File.Create(path);
        file.Write(bytes);
        file.Flush(flushToDisk: true);
    }

    private static void Flush(string folder)
    {
        if (Directory.Exists(folder))
            DirectorySync.Flush(folder);
    }

    private static SortedDictionary<string, PackageFile> HashAll(
        string folder, IProgress<ImportProgress>? progress, CancellationToken cancellationToken)
    {
        var paths = Directory.GetFiles(folder, "*", SearchOption.AllDirectories);
        var (done, total) = (0L, paths.Sum(path => new FileInfo(path).Length));
        var files = new SortedDictionary<string, PackageFile>(StringComparer.Ordinal);
        foreach (var path in paths)
        {
            var hash = FileHash.Compute(
                path, bytes => progress?.Report(new ImportProgress("seal", done += bytes, total)), cancellationToken);
            var name = Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar, '/');
            files.Add(name, new PackageFile(new FileInfo(path).Length, hash));
        }

        return files;
    }
}
