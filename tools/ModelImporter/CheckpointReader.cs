using Parley.ModelImporter.Adapters;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Exports;
using Parley.ModelImporter.Forms;
using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter;

/// <summary>
/// A checkpoint, opened and checked: the configuration is understood, and every tensor that it asks for is there
/// with its shape.
/// </summary>
internal sealed class CheckpointReader : IDisposable
{
    /// <summary>Name of the file that says how answers are sampled and ended.</summary>
    public const string GenerationName = "generation_config.json";

    private static readonly IArchitecture[] Architectures =
    [
        new LlamaArchitecture(), new MistralArchitecture(), new MinistralArchitecture(), new Ministral3Architecture(),
        new Qwen2Architecture(), new Qwen3Architecture(), new Phi3Architecture(), new GemmaArchitecture(), new Gemma2Architecture(),
        new Gemma3Architecture(), new GraniteArchitecture(), new SmolLm3Architecture(), new OlmoArchitecture(), new Olmo2Architecture(),
        new Olmo3Architecture(), new CohereArchitecture(), new Cohere2Architecture(), new GlmArchitecture(), new Glm4Architecture(),
        new Exaone4Architecture(), new SeedOssArchitecture(), new Ernie45Architecture(), new HunYuanDenseArchitecture(),
        new ArceeArchitecture(), new ApertusArchitecture(), new StableLmArchitecture(), new Starcoder2Architecture(),
        new NemotronArchitecture(), new HeliumArchitecture(), new Jais2Architecture(), new MixtralArchitecture(),
        new OlmoeArchitecture(), new Qwen3MoeArchitecture(), new GraniteMoeArchitecture(), new GraniteMoeSharedArchitecture(),
        new Glm4MoeArchitecture(), new GptOssArchitecture(), new Lfm2Architecture(), new Lfm2MoeArchitecture(), new Lfm3Architecture(),
        new Qwen35Architecture(), new Qwen35MoeArchitecture(), new Qwen3NextArchitecture(), new GraniteMoeHybridArchitecture(),
        new GraniteSwaArchitecture(), new Gemma4Architecture(), new Glm4MoeLiteArchitecture(), new DeepseekV2Architecture(),
        new DeepseekV3Architecture(),
    ];

    /// <summary>All families, for whoever lists them.</summary>
    public static IReadOnlyList<IArchitecture> Known => Architectures;

    private readonly Lazy<IReadOnlyList<(string Name, byte[] Bytes)>> _made;

    private CheckpointReader(
        DecoderConfig config, DecoderWeights weights, CheckpointTensors tensors, DescriptionFiles files, IArchitecture architecture,
        IStoredForm? form, IReadOnlyList<(string Name, string Path)> adapterFiles, ExportCheckpoint? export)
    {
        AdapterFiles = adapterFiles;
        (Config, Weights, Tensors, Files) = (config, weights, tensors, files);
        IsQuantized = form is not (null or Mxfp4Form);
        _made = new(() => export?.Made ?? Make(tensors.Gguf, files, config.Shape.VocabularySize, architecture));
    }

    public DecoderConfig Config { get; }

    /// <summary>Whether safetensors hold linears in a quantiser's form; the experts of gpt-oss alone do not count.</summary>
    public bool IsQuantized { get; }

    public DecoderWeights Weights { get; }

    public CheckpointTensors Tensors { get; }

    /// <summary>The files of the adapters that were merged, each with a name for the hash; none for the checkpoint alone.</summary>
    public IReadOnlyList<(string Name, string Path)> AdapterFiles { get; }

    /// <summary>What describes the weights, and where it lies.</summary>
    public DescriptionFiles Files { get; }

    /// <summary>
    /// Files that were made of GGUF metadata, since the checkpoint brings none of its own or but a part, and of what its configuration says
    /// of ends where no service looks for them; by name.
    /// </summary>
    /// <exception cref="InvalidDataException">The metadata are malformed, or say what is not read.</exception>
    public IReadOnlyList<(string Name, byte[] Bytes)> Made => _made.Value;

    /// <summary>Opens a checkpoint folder, or a GGUF file.</summary>
    /// <param name="source">Folder or file.</param>
    /// <param name="canDraft">Whether a block that predicts further tokens is of use.</param>
    /// <param name="adapters">Adapters that are merged, one on top of the other: folders, or GGUF files.</param>
    /// <exception cref="InvalidDataException">Something in it is missing, malformed or unsupported; the message names file and field or
    /// tensor.</exception>
    public static CheckpointReader Open(string source, bool canDraft = true, params IReadOnlyList<string> adapters)
    {
        var export = ExportSource.Is(source) ? ExportCheckpoint.Open(source) : null;
        var files = new DescriptionFiles(export?.Tensors.Folder ?? CheckpointTensors.FolderOf(source));
        var tensors = export?.Tensors ?? (CheckpointTensors.AreGguf(source) ? CheckpointTensors.Open(source) : null);
        try
        {
            var file = export?.Config ?? OpenConfig(files, tensors?.Gguf);
            var (architecture, config, form) = ReadArchitecture(file);
            form = export?.Form ?? form;
            if (tensors?.Gguf is { } gguf)
                config = GgufBeside.Complete(config, gguf, FindConfig(files));
            tensors ??= CheckpointTensors.Open(source);
            foreach (var number in tensors.Gguf?.Configuration.Numbers() ?? [])
                tensors.Add(number.Tensor, new NumberSource(tensors.Gguf!, number.Key, number.Value, number.HasDimension ? [1] : []));
            var untied = architecture.Weights(config with { Shape = config.Shape with { TiedEmbeddings = false } });
            var known = untied.KnownNames();
            form?.Join(tensors);
            tensors.Rename(name => architecture.Rename(name, known));
            if (untied.Drafter is { } drafter && FurtherBlocks.Obstacle(drafter, tensors, canDraft) is { } obstacle)
            {
                config = config with { Drafter = null, Notes = [.. config.Notes, FurtherBlocks.LeftOut(obstacle)] };
                untied = untied with { Drafter = null };
            }

            form?.Drop(tensors, known);
            (config, var adapterFiles) = Merge(adapters, new AdapterMerge(tensors, architecture, config, known), config);
            foreach (var norm in untied.Norms())
                norm.Unstack(tensors);
            foreach (var stack in untied.AllLayers.SelectMany(layer => layer.Stacks))
                stack.Unstack(tensors);
            foreach (var mixture in untied.Mixtures)
                mixture.Unstack(tensors);
            foreach (var layer in untied.AllLayers)
                layer.Latent?.Unstack(tensors);
            config = HeadTying.Resolve(architecture, config, tensors);
            var weights = architecture.Weights(config);
            weights.Check(tensors, config.Shape, tensor => architecture.Ignores(tensor, config));
            CheckEnds(files, file, config.Shape.VocabularySize);
            return new CheckpointReader(config, weights, tensors, files, architecture, form, adapterFiles, export);
        }
        catch
        {
            tensors?.Dispose();
            throw;
        }
    }

    /// <summary>Whether the file holds a linear of a layer on a grid of 4 bits.</summary>
    public bool HasNibbles() => Weights.Layers.SelectMany(layer => layer.Rounded).SelectMany(linear => linear.Parts)
        .Any(part => Tensors.GridOf(part.Weight) is { Bits: 4 });

    /// <summary>Reads the configuration alone.</summary>
    /// <exception cref="InvalidDataException">As <see cref="Open"/>.</exception>
    public static DecoderConfig ReadConfig(string source)
    {
        if (ExportSource.Is(source))
        {
            var export = ExportCheckpoint.Open(source);
            export.Tensors.Dispose();
            return CheckConfiguration(export.Config);
        }

        if (!CheckpointTensors.AreGguf(source))
            return CheckConfiguration(ConfigFile.Open(source));
        using var tensors = CheckpointTensors.Open(source);
        return CheckConfiguration(OpenConfig(new DescriptionFiles(tensors.Folder), tensors.Gguf));
    }

    /// <summary>Checks the JSON files of a folder whose weights are not there yet.</summary>
    /// <exception cref="InvalidDataException">As <see cref="Open"/>.</exception>
    public static DecoderConfig CheckDescription(DescriptionFiles files, ConfigFile file)
    {
        var config = CheckConfiguration(file);
        CheckEnds(files, file, config.Shape.VocabularySize);
        return config;
    }

    /// <summary>Checks a configuration by itself.</summary>
    /// <exception cref="InvalidDataException">As <see cref="Open"/>.</exception>
    public static DecoderConfig CheckConfiguration(ConfigFile file) => ReadArchitecture(file).Config;

    /// <summary>The family of a configuration, and what it says.</summary>
    /// <exception cref="InvalidDataException">As <see cref="Open"/>.</exception>
    public static (IArchitecture Architecture, DecoderConfig Config) DescribedBy(ConfigFile file)
    {
        var (architecture, config, _) = ReadArchitecture(file);
        return (architecture, config);
    }

    /// <summary>The <c>config.json</c> of a description; null where there is none.</summary>
    /// <exception cref="InvalidDataException">It is no JSON object.</exception>
    public static ConfigFile? FindConfig(DescriptionFiles files) =>
        files.Find(ConfigFile.Name) is { } path ? ConfigFile.OpenFile(path) : null;

    /// <summary>The weights that a configuration asks for.</summary>
    public static DecoderWeights WeightsOf(DecoderConfig config) =>
        Architectures.Single(architecture => architecture.Name == config.Architecture).Weights(config);

    public void Dispose() => Tensors.Dispose();

    private static (DecoderConfig Config, IReadOnlyList<(string Name, string Path)> Files) Merge(
        IReadOnlyList<string> adapters, AdapterMerge merge, DecoderConfig config)
    {
        var files = new List<(string Name, string Path)>();
        foreach (var (index, path) in adapters.Index())
        {
            var adapter = Adapter.Open(path);
            config = config with { Notes = [.. config.Notes, .. merge.Apply(adapter)] };
            files.AddRange(adapter.FilesAt(index));
        }

        return (config, files);
    }

    private static IReadOnlyList<(string Name, byte[] Bytes)> Make(
        GgufFile? gguf, DescriptionFiles files, int vocabularySize, IArchitecture architecture)
    {
        var made = gguf is null ? [] : GgufMadeFiles.Make(gguf, files, vocabularySize);
        if (FindConfig(files) is not { } config || made.Any(file => file.Name == GenerationName))
            return made;
        var there = files.Find(GenerationName) is { } path ? ConfigFile.OpenFile(path) : null;
        // A GGUF file has its own way to name ends, and the class of a model is not told of them.
        var ends = gguf is null ? architecture.ClassEnds.Where(id => id < vocabularySize).ToList() : [];
        return GenerationFields.Make(config, TextModel.Of(config, out _), there, ends) is { } generation
            ? [.. made, (GenerationName, generation)] : made;
    }

    private static ConfigFile OpenConfig(DescriptionFiles files, GgufFile? gguf) => gguf is null
        ? ConfigFile.Open(files.Folder)
        : GgufBeside.Merge(gguf.Configuration, FindConfig(files), gguf.Path);

    /// <summary>An id that the model cannot give would never end an answer, so it is refused in both files that say ends.</summary>
    private static void CheckEnds(DescriptionFiles files, ConfigFile config, int vocabularySize)
    {
        config.CheckIds(GgufBeside.Ends, vocabularySize);
        TextModel.Of(config, out _).CheckIds(GgufBeside.Ends, vocabularySize);
        if (files.Find(GenerationName) is { } generation)
            ConfigFile.OpenFile(generation).CheckIds(GgufBeside.Ends, vocabularySize);
    }

    /// <summary>By <c>model_type</c>, as transformers does; <c>architectures</c> is what somebody saved it from.</summary>
    private static (IArchitecture Architecture, DecoderConfig Config, IStoredForm? Form) ReadArchitecture(ConfigFile file)
    {
        var text = TextModel.Of(file, out var type);
        var types = string.Join(", ", Architectures.Select(architecture => architecture.ModelType).Concat(TextModel.ModelTypes));
        if (type is null)
            throw text.Unsupported("model_type", "missing", $"{types}; transformers goes by it and not by architectures");
        var architecture = Architectures.FirstOrDefault(architecture => architecture.ModelType == type)
            ?? throw text.Unsupported("model_type", $"\"{type}\"", types);
        var form = StoredForms.Of(file, architecture.ModelType);
        if (text.IsPart)
            form ??= StoredForms.Of(text, architecture.ModelType);
        var config = architecture.ReadConfig(text);
        PositionRules.Check(config, file.Path);
        return (architecture, text.IsPart ? TextModel.Complete(file, config) : config, form);
    }
}
