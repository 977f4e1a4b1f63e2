using System.Security.Cryptography;
using Parley.PackageFormat;

namespace Parley.Generator.Model;

/// <summary>A model package on disk, checked: what the manifest lists is there and of the right length.</summary>
internal sealed class ModelPackage
{
    /// <summary>Name of the graph within a package.</summary>
    public const string ModelFileName = "model.onnx";

    /// <summary>Name of the weights within a package.</summary>
    public const string DataFileName = "model.data";

    /// <summary>Some hundred times those of the largest models.</summary>
    private const int CacheElementsMax = 1 << 28;

    /// <summary>Numbers that a sequence may carry beside keys and values.</summary>
    private const int StateElementsMax = 1 << 28;

    private const long ManifestBytesMax = 4 << 20;

    private ModelPackage(string folder, ModelManifest manifest, GenerationDefaults defaults, string tokenizerSha256, string packageSha256)
    {
        Folder = folder;
        Manifest = manifest;
        Defaults = defaults;
        TokenizerSha256 = tokenizerSha256;
        PackageSha256 = packageSha256;
    }

    public string Folder { get; }

    public ModelManifest Manifest { get; }

    public ModelShape Shape => Manifest.Shape;

    public GenerationDefaults Defaults { get; }

    /// <summary>The checkpoint has a vision tower, and the package the text model alone.</summary>
    public required bool WithoutVision { get; init; }

    /// <summary>
    /// SHA-256 of the tokenizer's file, lower-case hexadecimal: a tokenizer service with another one must not be paired with this
    /// model.
    /// </summary>
    public string TokenizerSha256 { get; }

    /// <summary>SHA-256 of the manifest, which holds those of all other files: two replicas with the same are interchangeable.</summary>
    public string PackageSha256 { get; }

    public string ModelPath => Path.Combine(Folder, ModelFileName);

    /// <summary>Bytes of the weights that a step reads; 0 where all of them are in the graph.</summary>
    public long WeightBytes => DataBytes - (Manifest.RowBytes ?? 0);

    private long DataBytes => (Manifest.Export?.Data ?? [DataFileName]).Sum(name => Manifest.Files.GetValueOrDefault(name)?.Bytes ?? 0);

    /// <summary>Opens a package.</summary>
    /// <param name="folder">The package's folder.</param>
    /// <param name="verifyHashes">Whether to read every file and compare its hash: about a second per gigabyte, so not at each
    /// start.</param>
    /// <exception cref="InvalidDataException">Something is missing or broken; the message names the file, the field and the
    /// fix.</exception>
    public static ModelPackage Open(string folder, bool verifyHashes = false)
    {
        if (PackageFolder.Fault(folder) is { } fault)
            throw new InvalidDataException(fault);
        var manifestPath = Path.Combine(folder, ModelManifest.FileName);
        if (new FileInfo(manifestPath).Length > ManifestBytesMax)
            throw new InvalidDataException($"{manifestPath}: more than {ManifestBytesMax} bytes; import the model again.");
        var bytes = File.ReadAllBytes(manifestPath);
        var manifest = ModelManifest.Parse(System.Text.Encoding.UTF8.GetString(bytes), manifestPath);
        CheckShape(manifest.Shape, manifestPath, isOwn: manifest.Export is null);
        foreach (var required in new[] { ModelFileName, GenerationConfigFile.ConfigName })
        {
            if (!manifest.Files.ContainsKey(required))
                throw new InvalidDataException($"{manifestPath}: files does not list {required}; import the model again.");
        }

        if (manifest.Shape.Drafter is { } drafter
            && (drafter.Layers != 1 || drafter.Vocabulary < 1 || drafter.Vocabulary > manifest.Shape.VocabularySize
                || !manifest.Files.ContainsKey(DrafterShape.FileName)))
        {
            throw new InvalidDataException(
                $"{manifestPath}: shape.drafter is {drafter.Layers} layers over {drafter.Vocabulary} ids, not 1 over ids of the vocabulary "
                + $"with {DrafterShape.FileName} among the files; import the model again.");
        }

        if (manifest.RowBytes is { } rows && (rows < 1 || rows > (manifest.Files.GetValueOrDefault(DataFileName)?.Bytes ?? 0)))
            throw new InvalidDataException($"{manifestPath}: rowBytes is {rows}, not a part of {DataFileName}; import the model again.");
        var tokenizer = TokenizerFiles.Choose(manifest.Files.Keys)
            ?? throw new InvalidDataException($"{manifestPath}: files does not list {TokenizerFiles.Json}; import the model again.");
        foreach (var (name, file) in manifest.Files)
        {
            // The tokenizer's hash is wanted anyway.
            CheckFile(folder, name, file, verifyHashes || name == tokenizer);
        }

        return new ModelPackage(
            folder,
            manifest,
            GenerationConfigFile.Read(folder, manifest.Shape.VocabularySize),
            manifest.Files[tokenizer].Sha256,
            Convert.ToHexStringLower(SHA256.HashData(bytes)))
        {
            WithoutVision = GenerationConfigFile.HasVision(folder),
        };
    }

    private static void CheckFile(string folder, string name, PackageFile file, bool verifyHashes)
    {
        if (PackageFolder.Fault(folder, name, file) is { } fault)
            throw new InvalidDataException(fault);
        var path = Path.Combine(folder, name);
        if (verifyHashes && HashFile(path) is var hash && hash != file.Sha256)
        {
            throw new InvalidDataException(
                $"{path}: the SHA-256 is {hash}, {ModelManifest.FileName} says {file.Sha256}; import the model again.");
        }
    }

    private static void CheckShape(ModelShape shape, string path, bool isOwn)
    {
        foreach (var (name, value) in new[]
        {
            ("layers", shape.Layers), ("hiddenSize", shape.HiddenSize), ("intermediateSize", shape.IntermediateSize),
            ("queryHeads", shape.QueryHeads), ("keyValueHeads", shape.KeyValueHeads), ("headSize", shape.HeadSize),
            ("vocabularySize", shape.VocabularySize), ("contextTokensMax", shape.ContextTokensMax),
        })
        {
            if (value <= 0)
                throw new InvalidDataException($"{path}: shape.{name} is {value}; it must be at least 1.");
        }

        CheckStates(shape, path);
        if (shape.PerLayerWidth is < 1 or > 1 << 20)
            throw new InvalidDataException($"{path}: shape.perLayerWidth is {shape.PerLayerWidth}; it must be at least 1.");
        if (shape.WidestMlp is { } widest && widest <= shape.IntermediateSize)
        {
            throw new InvalidDataException(
                $"{path}: shape.widestMlp is {widest}; it must be more than intermediateSize, {shape.IntermediateSize}.");
        }

        if (shape.Latent is { } latent)
            CheckLatent(shape, latent, path);
        if ((Int128)shape.Layers * shape.KeyValueHeads * ((Int128)shape.KeySize + shape.ValueSize) > CacheElementsMax)
        {
            throw new InvalidDataException(
                $"{path}: shape gives a token {shape.Layers} layers of {shape.KeyValueHeads} heads of {shape.KeySize} and "
                + $"{shape.ValueSize} in the cache, more than {CacheElementsMax} numbers.");
        }

        CheckHeads(shape, "", new LayerHeads(0, shape.KeyValueHeads, shape.HeadSize), path, isOwn);
        var last = -1;
        foreach (var (i, heads) in (shape.OtherHeads ?? []).Index())
        {
            var field = $"otherHeads[{i}].";
            if (heads is null || heads.Layer <= last || heads.Layer >= shape.Layers)
                throw new InvalidDataException($"{path}: shape.{field}layer is {heads?.Layer}, not one of {shape.Layers} in order.");
            last = heads.Layer;
            if (heads.KeyValueHeads <= 0 || heads.HeadSize <= 0
                || (Int128)2 * shape.Layers * heads.KeyValueHeads * heads.HeadSize > CacheElementsMax)
            {
                throw new InvalidDataException(
                    $"{path}: shape.{field}keyValueHeads is {heads.KeyValueHeads} and headSize {heads.HeadSize}; "
                    + $"both must be at least 1, and give {shape.Layers} layers no more than {CacheElementsMax} numbers.");
            }

            CheckHeads(shape, field, heads, path);
        }
    }

    private static void CheckHeads(ModelShape shape, string field, LayerHeads heads, string path, bool isOwn = true)
    {
        if (shape.QueryHeads % heads.KeyValueHeads != 0)
        {
            throw new InvalidDataException(
                $"{path}: shape.queryHeads {shape.QueryHeads} is not a multiple of shape.{field}keyValueHeads {heads.KeyValueHeads}.");
        }

        if (isOwn && shape.Latent is null && heads.HeadSize % 16 != 0)
            throw new InvalidDataException($"{path}: shape.{field}headSize {heads.HeadSize} is not a multiple of 16.");
    }

    private static void CheckLatent(ModelShape shape, LatentShape latent, string path)
    {
        if (latent.Rank is < 16 or > LatentShape.RankMax || latent.Rank % 16 != 0)
        {
            throw new InvalidDataException(
                $"{path}: shape.latent.rank is {latent.Rank}, not a multiple of 16 up to {LatentShape.RankMax}.");
        }

        if (latent.Rotary is < 2 or > LatentShape.RotaryMax || latent.Rotary % 2 != 0 || latent.Rotary > shape.HeadSize)
        {
            throw new InvalidDataException($"{path}: shape.latent.rotary is {latent.Rotary}, not an even number up to "
                + $"{Math.Min(shape.HeadSize, LatentShape.RotaryMax)}.");
        }

        if (shape.KeyValueHeads != 1)
            throw new InvalidDataException($"{path}: shape.keyValueHeads is {shape.KeyValueHeads}; with a latent it is 1.");
    }

    private static void CheckStates(ModelShape shape, string path)
    {
        if (shape.KeylessLayers is { } keyless
            && (keyless.Count == 0 || keyless.Count >= shape.Layers || keyless.Any(layer => layer < 0 || layer >= shape.Layers)
                || keyless.Distinct().Count() != keyless.Count))
        {
            throw new InvalidDataException(
                $"{path}: shape.keylessLayers is not a list of some different layers from 0 to {shape.Layers - 1}.");
        }

        if (shape.States is not { } states)
            return;
        Int128 elements = 0;
        foreach (var state in states)
        {
            if (state is null || state.Layer < 0 || state.Layer >= shape.Layers || state.Rows <= 0 || state.Columns <= 0
                || string.IsNullOrEmpty(state.Kind) || !state.Kind.All(char.IsAsciiLetterLower))
            {
                throw new InvalidDataException(
                    $"{path}: shape.states has an entry that is no kind (letters), no layer from 0 to {shape.Layers - 1}, or no matrix.");
            }

            elements += (Int128)state.Rows * state.Columns;
        }

        if (states.Count == 0 || states.DistinctBy(state => state.InputName).Count() != states.Count)
            throw new InvalidDataException($"{path}: shape.states is empty, or has two entries of one kind for a layer.");
        if (elements > StateElementsMax)
            throw new InvalidDataException($"{path}: shape.states gives a sequence more than {StateElementsMax} numbers.");
    }

    private static string HashFile(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
