using System.Runtime.ExceptionServices;
using Google.Protobuf;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Quantization;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Package;

/// <summary>
/// Writes a package: the source's small files, the weights tensor by tensor, the graph, and last the manifest with the hash of each.
/// </summary>
internal sealed class ModelPackageWriter(string folder, ParallelOptions parallel, IProgress<ImportProgress>? progress)
{
    private const string GraphName = "model.onnx";
    private const string DataName = "model.data";

    /// <summary>Bytes of the weights that are looked up by row, once they are planned.</summary>
    public long RowBytes { get; private set; }

    /// <summary>Ids that the block which guesses further tokens can guess, once it is planned; the first of the vocabulary.</summary>
    public int Guessable { get; private set; }

    /// <summary>Writes all files.</summary>
    /// <param name="checkpoint">The source.</param>
    /// <param name="precision">How weights are stored.</param>
    /// <param name="contextTokensMax">Positions that the package serves.</param>
    /// <param name="guessable">How many ids of the vocabulary a block that guesses further tokens may guess.</param>
    /// <param name="describe">Makes the manifest from the files.</param>
    /// <param name="converted">Called when all weights are converted, while the last of them are still being hashed and flushed.</param>
    /// <returns>Length of all files.</returns>
    public long Write(
        CheckpointReader checkpoint,
        Precision precision,
        int contextTokensMax,
        int guessable,
        Func<IReadOnlyDictionary<string, PackageFile>, ModelManifest> describe,
        Action? converted = null)
    {
        WriteSmall(checkpoint);
        var graph = new OnnxGraphBuilder(DataName);
        DecoderGraph.Build(graph, checkpoint.Config, checkpoint.Weights, checkpoint.Tensors, precision, contextTokensMax);
        RowBytes = graph.RowBytes;
        var drafter = checkpoint.Weights.Drafter is null ? null : new OnnxGraphBuilder(DataName, graph);
        if (drafter is not null)
        {
            Guessable = DecoderGraph.BuildDrafter(
                drafter, checkpoint.Config, checkpoint.Weights, checkpoint.Tensors, precision, contextTokensMax, guessable);
        }

        List<TensorFill> fills = [.. graph.Fills, .. drafter?.Fills ?? []];
        var data = WriteData(fills, drafter?.DataBytes ?? graph.DataBytes, checkpoint.Tensors, converted);
        WriteGraph(graph, GraphName);
        if (drafter is not null)
            WriteGraph(drafter, DrafterShape.FileName);

        var files = HashAll(data);
        var manifest = System.Text.Encoding.UTF8.GetBytes(describe(files).ToJson() + "\n");
        return files.Values.Sum(file => file.Bytes) + WriteBytes(ModelManifest.FileName, manifest);
    }

    /// <summary>Writes the files that the source brings, and those that were made of it.</summary>
    public void WriteSmall(CheckpointReader checkpoint)
    {
        foreach (var (name, path) in checkpoint.Files.Files)
        {
            var destination = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(destination)!);
            // The services read JSON, and these are Python's at times; both were read, so they are short.
            if (name is Architectures.ConfigFile.Name or CheckpointReader.GenerationName)
                WriteBytes(name, PythonNumbers.Spell(File.ReadAllBytes(path)));
            else
                Copy(path, destination);
        }

        foreach (var (name, bytes) in checkpoint.Made)
            WriteBytes(name, bytes);
        var templates = Path.Combine(folder, TokenizerFiles.MoreTemplates);
        if (Directory.Exists(templates))
            DirectorySync.Flush(templates);
    }

    private int WriteBytes(string name, byte[] bytes)
    {
        var path = Path.Combine(folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var file = File.Create(path);
        file.Write(bytes);
        file.Flush(flushToDisk: true);
        return bytes.Length;
    }

    private void WriteGraph(OnnxGraphBuilder graph, string name)
    {
        using var file = File.Create(Path.Combine(folder, name));
        graph.Build(ModelImport.Version).WriteTo(file);
        file.Flush(flushToDisk: true);
    }

    private PackageFile WriteData(IReadOnlyList<TensorFill> fills, long bytes, CheckpointTensors tensors, Action? converted)
    {
        using var data = new DataFile(Path.Combine(folder, DataName), bytes);
        using var hash = new TrailingHash(data, parallel.CancellationToken);
        var ends = FinalBytes(fills, bytes);
        var total = fills.Sum(fill => fill.Bytes);
        var done = 0L;
        progress?.Report(new ImportProgress("convert", 0, total));
        foreach (var (index, fill) in fills.Index())
        {
            parallel.CancellationToken.ThrowIfCancellationRequested();
            Run(() => fill.Run(data, parallel));
            tensors.Release();
            hash.Advance(ends[index]);
            done += fill.Bytes;
            progress?.Report(new ImportProgress("convert", done, total));
        }

        hash.End();
        Run(() => converted?.Invoke());
        return new PackageFile(bytes, hash.Complete());
    }

    /// <summary>For each fill the length of the data that no later one writes to.</summary>
    private static long[] FinalBytes(IReadOnlyList<TensorFill> fills, long bytes)
    {
        var ends = new long[fills.Count];
        var end = bytes;
        for (var i = ends.Length - 1; i >= 0; i--)
        {
            ends[i] = end;
            end = Math.Min(end, fills[i].First);
        }

        return ends;
    }

    /// <summary>Parallel loops wrap what goes wrong in them; the first failure alone is what the caller can act on.</summary>
    private static void Run(Action work)
    {
        try
        {
            work();
        }
        catch (AggregateException exception)
        {
            ExceptionDispatchInfo.Throw(exception.Flatten().InnerExceptions[0]);
        }
    }

    /// <summary>All files but the weights, whose hash is known.</summary>
    private SortedDictionary<string, PackageFile> HashAll(PackageFile data)
    {
        var paths = Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Where(path => Path.GetFileName(path) != DataName).ToList();
        var total = paths.Sum(path => new FileInfo(path).Length);
        var done = 0L;
        var files = new SortedDictionary<string, PackageFile>(StringComparer.Ordinal) { [DataName] = data };
        foreach (var path in paths)
        {
            var hash = FileHash.Compute(
                path, bytes => progress?.Report(new ImportProgress("seal", done += bytes, total)), parallel.CancellationToken);
            var name = Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar, '/');
            files.Add(name, new PackageFile(new FileInfo(path).Length, hash));
        }

        return files;
    }

    private static void Copy(string source, string destination)
    {
        using var input = File.OpenRead(source);
        using var output = File.Create(destination);
        input.CopyTo(output);
        output.Flush(flushToDisk: true);
    }
}
