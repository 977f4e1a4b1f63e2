using Parley.ModelImporter.Adapters;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Exports;
using Parley.ModelImporter.Package;
using Parley.ModelImporter.Quantization;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter;

/// <summary>Checkpoint in (a Hugging Face folder, or a GGUF file with or without other files beside it), package folder out.</summary>
public static class ModelImport
{
    /// <summary>Version of what this code writes. It changes whenever the same source gives another package, so caches key on it.</summary>
    public const string Version = "12";

    /// <summary>Whose operators may compute quantised linears.</summary>
    public static IReadOnlyList<string> Linears { get; } = ["own", "ort"];

    /// <summary>The precision of a package that keeps graph and weights of an export to ONNX as they are.</summary>
    public const string Exported = "exported";

    /// <summary>All precisions of a graph of ours, those of the CPU first, each list most exact first.</summary>
    public static IReadOnlyList<string> Precisions { get; } = [.. Precision.Names, .. Precision.CudaNames];

    /// <summary>The precisions for CUDA.</summary>
    public static IReadOnlyList<string> CudaPrecisions => Precision.CudaNames;

    /// <summary>Attention operators that a package for CUDA can have; the first is the default.</summary>
    public static IReadOnlyList<string> Attentions { get; } = [GraphTarget.Paged, GraphTarget.GroupQuery];

    /// <summary>
    /// Imports a checkpoint. The package comes into being whole, by a rename, or not at all; memory use does not grow with the model.
    /// </summary>
    /// <exception cref="InvalidDataException">The source is malformed or unsupported; the message names file and field or
    /// tensor.</exception>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="IOException">The destination exists, or the disk is full.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing is left behind.</exception>
    public static ImportResult Run(
        ImportOptions options, IProgress<ImportProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        options.Check();
        if (options.Precision == Exported)
            return ExportImport.Run(options, progress, cancellationToken);
        RequireTokenizer(options.Source);
        using var checkpoint = CheckpointReader.Open(options.Source, options.CanDraft, options.Adapters);
        // A tokenizer that is not read ends the import before a large file is hashed.
        _ = checkpoint.Made;
        using var staging = new PackageStaging(options.Destination);
        using var digest = new SourceDigest(options.Source, checkpoint.AdapterFiles);
        checkpoint.Tensors.HashWhileReading(digest);
        var (sourceHash, errors) = ("", (IReadOnlyList<TypeError>)[]);
        var positions = Math.Min(options.ContextTokensMax, checkpoint.Config.Shape.ContextTokensMax);
        var shape = checkpoint.Config.Shape with
        {
            ContextTokensMax = positions,
            WindowTokens = PositionRules.WindowOf(checkpoint.Config, positions),
            Positions = PositionRules.Of(checkpoint.Config, positions),
        };
        var parameters = checkpoint.Weights.Parameters(shape);
        var name = options.Name ?? NameOf(options.Source);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = options.Parallelism, CancellationToken = cancellationToken };
        var precision = options.CreatePrecision(checkpoint);
        var writer = new ModelPackageWriter(staging.Folder, parallel, progress);
        var bytes = writer.Write(
            checkpoint, precision, shape.ContextTokensMax, options.DraftVocabulary ?? DrafterShape.VocabularyDefault,
            files => new ModelManifest
            {
                FormatVersion = ModelManifest.CurrentFormatVersion,
                Name = name,
                Architecture = checkpoint.Config.Architecture,
                Precision = precision.Name,
                Shape = shape with
                {
                    Drafter = checkpoint.Weights.Drafter is null ? null : new DrafterShape(1, writer.Guessable),
                },
                Target = precision.Target,
                Parameters = parameters,
                RowBytes = writer.RowBytes > 0 ? writer.RowBytes : null,
                Opset = Graph.OnnxGraphBuilder.Opset,
                Importer = Version,
                SourceSha256 = sourceHash,
                SourceRevision = SourceName.RevisionOf(options.Source),
                Files = files,
            },
            converted: () =>
            {
                sourceHash = digest.Complete(parallel, progress: null);
                errors = MeasureStored(options, checkpoint, precision, parallel);
            });
        cancellationToken.ThrowIfCancellationRequested();
        var path = staging.Publish(options.AppendsSourceHash ? $"-{sourceHash[..ImportOptions.HashDigits]}" : "");
        return new ImportResult(
            name, path, checkpoint.Config.Architecture, precision.Name, parameters, bytes,
            shape.ContextTokensMax, sourceHash)
        {
            Notes =
            [
                .. checkpoint.Config.Notes, .. precision.Rounding?.Notes ?? [],
                .. errors.Count == 0 ? [] : new[] { StoredError.ToNote(errors) },
            ],
            TypeErrors = errors,
        };
    }

    /// <summary>Paths of all files of a checkpoint that an import reads, in order.</summary>
    /// <exception cref="InvalidDataException">The folder has no weights.</exception>
    public static IReadOnlyList<string> SourceFiles(string source) =>
        [.. CheckpointFiles.Present(source).Select(file => file.Path)];

    /// <summary>
    /// A hash over names and contents of all files of a checkpoint that an import reads (docs/model-package.md). With
    /// <see cref="Version"/>, the precision and the context it makes the key of an import cache.
    /// </summary>
    /// <returns>Lower-case hexadecimal.</returns>
    /// <exception cref="InvalidDataException">The folder has no weights.</exception>
    public static string SourceHash(
        string source, IProgress<ImportProgress>? progress = null, CancellationToken cancellationToken = default) =>
        SourceHash(source, [], progress, cancellationToken);

    /// <summary>The same of a checkpoint with adapters merged into it; their order is a part of it.</summary>
    /// <returns>Lower-case hexadecimal.</returns>
    /// <exception cref="InvalidDataException">The folder has no weights, or an adapter is none.</exception>
    public static string SourceHash(
        string source, IReadOnlyList<string> adapters, IProgress<ImportProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        using var digest = new SourceDigest(source, adapters.Index().SelectMany(adapter => Adapter.FilesOf(adapter.Item, adapter.Index)));
        return digest.Complete(new ParallelOptions { CancellationToken = cancellationToken }, progress);
    }

    /// <summary>
    /// Writes the small files of a package alone, tokenizer and templates among them, to a folder: what a source brings, and what its
    /// metadata say where it does not.
    /// </summary>
    /// <exception cref="InvalidDataException">As for <see cref="Run"/>.</exception>
    public static void WriteSmallFiles(string source, string folder)
    {
        if (ExportSource.Is(source))
        {
            foreach (var (name, bytes) in ExportImport.SmallFiles(source))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder, name))!);
                File.WriteAllBytes(Path.Combine(folder, name), bytes);
            }

            return;
        }

        using var checkpoint = CheckpointReader.Open(source);
        new ModelPackageWriter(folder, new ParallelOptions(), progress: null).WriteSmall(checkpoint);
    }

    private static void RequireTokenizer(string source)
    {
        var names = CheckpointFiles.Names(source).ToList();
        if (names.Contains(ConfigFile.Name) && TokenizerFiles.Choose(names) is null && !CheckpointTensors.AreGguf(source))
        {
            throw new InvalidDataException($"{Path.Combine(source, TokenizerFiles.Json)} is missing, and so are "
                + $"{TokenizerFiles.SentencePiece} and *{TokenizerFiles.TiktokenEnding}: the model has no tokenizer beside it.");
        }
    }

    /// <summary>
    /// The precision of a source where nobody says otherwise: int4 for weights that lie on a 4-bit grid, which it keeps, else int8
    /// (docs/decisions/0006-up-keeps-4-bit-grids.md). Of a quantised checkpoint some on such a grid are enough, since what its makers left
    /// out keeps 8 bits.
    /// </summary>
    /// <exception cref="InvalidDataException">As for <see cref="Run"/>.</exception>
    public static string DefaultPrecision(string source, params IReadOnlyList<string> adapters)
    {
        // What is merged makes other weights, which an export as it is has no place for.
        if (ExportSource.Is(source) && adapters.Count == 0)
            return Exported;
        using var checkpoint = CheckpointReader.Open(source, canDraft: true, adapters);
        var layers = checkpoint.Weights.Layers;
        // A GGUF file says the type of each tensor, and int4 keeps the grid of each; otherwise weights are tried, and two layers stand for
        // all.
        var tensors = checkpoint.Tensors;
        if (checkpoint.IsQuantized)
            return checkpoint.HasNibbles() ? "int4" : "int8";
        if (tensors.Gguf is null)
        {
            var tried = new[] { layers[0], layers[^1] }.SelectMany(layer => layer.Rounded);
            return tried.All(linear => IsOnGrid(tensors, linear)) ? "int4" : "int8";
        }

        var grids = layers.SelectMany(layer => layer.Rounded).SelectMany(linear => linear.Parts)
            .Select(part => tensors.GridOf(part.Weight)).ToList();
        return grids.All(grid => grid is not null) && grids.Any(grid => grid!.Bits == 4) ? "int4" : "int8";
    }

    /// <summary>What became of weights that were rounded before; nothing where the options round them otherwise.</summary>
    private static IReadOnlyList<TypeError> MeasureStored(
        ImportOptions options, CheckpointReader checkpoint, Precision precision, ParallelOptions parallel)
    {
        if (precision.Name is not ("int8" or "int4") || options is not { Int4Group: null, Dequantize: false })
            return [];
        var rounding = new PlainRounding(PlainRounding.DefaultGroup, leavesRest: options.LeavesRest(checkpoint));
        return StoredError.Measure(
            checkpoint, parallel, precision.Name == "int4" ? rounding : null, isOwn: options.Linears == "own",
            isCalibrated: options.CalibrationIds is not null);
    }

    /// <summary>Where the file says what its codes are, nothing is tried.</summary>
    private static bool IsOnGrid(CheckpointTensors tensors, LinearWeights linear) =>
        linear.Parts.All(part => tensors.GridOf(part.Weight) is { Bits: 4 }) || PlainRounding.IsOnGrid(tensors, linear);

    /// <summary>The served name of a source unless told otherwise. It may hold a slash: <c>org/model</c>.</summary>
    public static string NameOf(string source) => SourceName.Of(source);
}
