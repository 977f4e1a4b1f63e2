using System.Globalization;
using System.Text;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Calibration;
using Parley.ModelImporter.Exports;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Quantization;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Inspection;

/// <summary>What a model folder holds: the modules as transformers prints them, sizes, and what each file decides.</summary>
/// <param name="Root">The model.</param>
/// <param name="Parameters">Number of weights, a tied head counted once.</param>
/// <param name="CacheBytesPerToken">Bytes of keys and values that one token adds, in fp32.</param>
/// <param name="Sizes">Length of the weights in each precision.</param>
/// <param name="Files">The files of the folder.</param>
public sealed record ModelTree(
    ModelTreeNode Root, long Parameters, long CacheBytesPerToken, IReadOnlyList<PrecisionSize> Sizes, IReadOnlyList<ModelTreeFile> Files)
{
    private const int PositionsMax = 8192;

    /// <summary>Positions that the model was made for.</summary>
    public int ContextTokensMax { get; init; }

    /// <summary>Positions behind which no layer looks; null where one looks at everything.</summary>
    public int? WindowTokens { get; init; }

    /// <summary>What the configuration makes of the mathematics, one sentence each.</summary>
    public IReadOnlyList<string> Meaning { get; init; } = [];

    /// <summary>Reads a folder, or that of a GGUF file; its weights may be missing, and are not read.</summary>
    /// <exception cref="InvalidDataException">config.json is missing, malformed or unsupported; the message names the field.</exception>
    public static ModelTree Read(string folder)
    {
        if (ExportSource.Is(folder))
            return ExportTree.Read(folder);
        var config = CheckpointReader.ReadConfig(folder);
        var weights = CheckpointReader.WeightsOf(config);
        return new ModelTree(
            Describe(config, weights),
            weights.Parameters(config.Shape),
            (long)config.Shape.CacheElementsPerToken * sizeof(float),
            [.. Precision.Names.Select(precision => new PrecisionSize(precision, SizeOf(folder, config, weights, precision)))],
            FilesOf(CheckpointTensors.FolderOf(folder)))
        {
            ContextTokensMax = config.Shape.ContextTokensMax,
            WindowTokens = PositionRules.WindowOf(config, config.Shape.ContextTokensMax),
            Meaning = [.. ModelMeaning.Describe(config, weights)],
        };
    }

    /// <summary>The sizes of a model, from its configuration alone.</summary>
    /// <exception cref="InvalidDataException">As <see cref="Read"/>.</exception>
    public static ModelShape ReadShape(string source) => ExportSource.Is(source)
        ? ReadExport(source).Read.Shape : CheckpointReader.ReadConfig(source).Shape;

    /// <summary>What the weights of a model would take as a package, from its configuration alone.</summary>
    /// <param name="source">A folder, or a GGUF file.</param>
    /// <param name="precision">One of the CPU's or CUDA's.</param>
    /// <param name="contextTokensMax">Positions that the package serves: the rotary tables grow with them.</param>
    /// <returns>Length of model.data but for what is looked up by row, that of the latter, and number of weights.</returns>
    /// <exception cref="InvalidDataException">As <see cref="Read"/>, or the model's widths do not allow the precision.</exception>
    public static (long Bytes, long RowBytes, long Parameters) MeasureWeights(string source, string precision, int contextTokensMax)
    {
        if (precision == ModelImport.Exported)
        {
            var (model, read) = ReadExport(source);
            return (ExportTree.Bytes(model), 0, read.Parameters);
        }

        var config = CheckpointReader.ReadConfig(source);
        var weights = CheckpointReader.WeightsOf(config);
        var graph = Plan(source, config, weights, precision, contextTokensMax);
        return (graph.DataBytes - graph.RowBytes, graph.RowBytes, weights.Parameters(config.Shape));
    }

    private static (ExportedModel Model, ExportedShape Read) ReadExport(string path)
    {
        var source = ExportSource.Open(path);
        var model = ExportedModel.Open(source.GraphPath);
        return (model, ExportedShape.Read(source, model));
    }

    /// <summary>Everything as text: the modules, then one line per size and per file.</summary>
    public string ToText()
    {
        var text = new StringBuilder(Root.ToText());
        text.Append(CultureInfo.InvariantCulture,
            $"\n{Parameters:N0} parameters; {CacheBytesPerToken:N0} bytes of cache per token (fp32)\n");
        foreach (var size in Sizes.Where(size => size.Bytes is not null))
            text.Append(CultureInfo.InvariantCulture, $"  {size.Precision,-5} {size.Bytes / 1e6,10:N1} MB\n");
        text.Append('\n');
        foreach (var sentence in Meaning.Concat(ModelFit.Describe(this)))
            text.Append(CultureInfo.InvariantCulture, $"- {sentence}\n");
        text.Append('\n');
        foreach (var file in Files)
            text.Append(CultureInfo.InvariantCulture, $"{file.Name,-32} {file.Bytes,15:N0}  {file.Decides}\n");
        return text.ToString();
    }

    /// <summary>All files of the folder of the weights, and what describes the model elsewhere.</summary>
    private static ModelTreeFile[] FilesOf(string folder)
    {
        var own = Directory.GetFiles(folder);
        var elsewhere = HubSnapshot.Above(folder) is null ? []
            : new DescriptionFiles(folder).Files.Where(file => !own.Contains(file.Path)).Select(file => (file.Name, file.Path));
        var templates = TokenizerFiles.Templates(folder).Select(name => (Name: name, Path: Path.Combine(folder, name)))
            .Concat(elsewhere.Where(file => file.Name.Contains('/', StringComparison.Ordinal))).DistinctBy(file => file.Name);
        return
        [
            .. own.Concat(elsewhere.Where(file => !file.Name.Contains('/', StringComparison.Ordinal)).Select(file => file.Path))
                .OrderBy(path => Path.GetFileName(path), StringComparer.Ordinal).Select(File),
            .. templates.Select(file => new ModelTreeFile(
                file.Name, SourceFile.Length(file.Path), "another way to write a chat, which requests ask for by name")),
        ];
    }

    private static ModelTreeNode Describe(DecoderConfig config, DecoderWeights weights)
    {
        var shape = config.Shape;
        var family = config.Architecture.Replace("ForCausalLM", "", StringComparison.Ordinal);
        var layer = new ModelTreeNode(
            shape.Layers == 1 ? "0" : $"0-{shape.Layers - 1}", $"{family}DecoderLayer", "", shape.Layers,
            [.. Modules(config, weights.Layers[0], family)]);
        ModelTreeNode[] perLayer = weights.PerLayer is not { } own ? [] :
        [
            Leaf("embed_tokens_per_layer", "Embedding", $"{own.Table.Outputs}, {own.Table.Inputs}"),
            Linear("per_layer_model_projection", own.Projection.Inputs, own.Projection.Outputs, bias: false),
            Norm("per_layer_projection_norm", config.Norm, own.Norm, family),
        ];
        var model = Parent("model", $"{family}Model",
            Leaf("embed_tokens", "Embedding", $"{shape.VocabularySize}, {shape.HiddenSize}"),
            Parent("layers", "ModuleList", layer),
            Norm("norm", config.Norm, weights.FinalNorm, family),
            Leaf("rotary_emb", $"{family}RotaryEmbedding", ""));
        model = model with { Children = [model.Children[0], .. perLayer, .. model.Children.Skip(1)] };
        return Parent("", config.Architecture, model, Linear("lm_head", shape.HiddenSize, shape.VocabularySize, bias: false));
    }

    /// <summary>The modules of the first layer by the names of its tensors.</summary>
    private static IEnumerable<ModelTreeNode> Modules(DecoderConfig config, DecoderLayerWeights layer, string family)
    {
        IEnumerable<LinearWeights> perHead = layer.Latent is { } latent ? [.. latent.Keys, .. latent.Values] : [];
        var linears = layer.Linears.Except(perHead)
            .SelectMany(linear => linear.Parts.Select(part => (Name: ModuleOf(part.Weight), linear.Inputs, Part: part))).ToList();
        // The names that the walk-through prints; newer versions of transformers say LlamaAttention and keep rotary_emb in the model only.
        var isLlama = family == "Llama";
        var headNorms = new[] { layer.QueryNorm, layer.KeyNorm }.OfType<NormWeights>()
            .Select(norm => Norm(LastOf(ModuleOf(norm.Weights[0])), config.Layers[0].HeadNorm!.Settings, norm, family));
        IEnumerable<ModelTreeNode> rotary = isLlama ? [Leaf("rotary_emb", "LlamaRotaryEmbedding", "")] : [];
        yield return Parent("self_attn", isLlama ? "LlamaSdpaAttention" : $"{family}Attention",
            [.. Of("self_attn"), .. LatentParts(layer.Latent, family), .. headNorms, .. rotary]);
        yield return layer.Mlp is MixtureWeights mixture ? Mixture(mixture, family)
            : Parent("mlp", $"{family}MLP", [.. Of("mlp"), Leaf("act_fn", NameOf(config.Activation), "")]);
        NormWeights?[] norms = [layer.AttentionNorm, layer.AttentionAfterNorm, layer.MlpNorm, layer.MlpAfterNorm];
        if (layer.PerLayer is { } own)
        {
            yield return Linear("per_layer_input_gate", own.Gate.Inputs, own.Gate.Outputs, bias: false);
            yield return Linear("per_layer_projection", own.Projection.Inputs, own.Projection.Outputs, bias: false);
            norms = [.. norms, own.AfterNorm];
        }

        foreach (var norm in norms.OfType<NormWeights>())
            yield return Norm(norm.Weights.Count == 0 ? "norm" : ModuleOf(norm.Weights[0]), config.Norm, norm, family);

        IEnumerable<ModelTreeNode> Of(string parent) => linears
            .Where(linear => linear.Name.StartsWith(parent + ".", StringComparison.Ordinal))
            .Select(linear => Linear(LastOf(linear.Name), linear.Inputs, linear.Part.Outputs, linear.Part.Bias is not null));
    }

    /// <summary>The expansion of the latent, which the checkpoint has in one for all heads, and norms.</summary>
    private static IEnumerable<ModelTreeNode> LatentParts(LatentWeights? latent, string family) => latent is null ? [] :
    [
        Linear("kv_b_proj", latent.Settings.Rank, latent.Keys.Count * (latent.Settings.PlainSize + latent.Settings.ValueSize), bias: false),
        .. latent.Norms.Select(norm => Norm(LastOf(ModuleOf(norm.Weights[0])), LatentSettings.Norm, norm, family)),
    ];

    private static ModelTreeNode Mixture(MixtureWeights mixture, string family)
    {
        var settings = mixture.Settings;
        var (router, expert) = (mixture.Router.Parts[0], mixture.GateUp[0].Parts.Concat(mixture.Down[0].Parts));
        var block = ModuleOf(router.Weight).Split('.')[0];
        List<ModelTreeNode> parts =
        [
            Linear("router", mixture.Router.Inputs, router.Outputs, router.Bias is not null),
            Parent("experts", "ModuleList", new ModelTreeNode(
                settings.Experts == 1 ? "0" : $"0-{settings.Experts - 1}", $"{family}MLP", "", settings.Experts,
                [.. expert.Select(part => Linear(
                    LastOf(ModuleOf(part.Weight)), mixture.GateUp[0].Parts.Contains(part) ? mixture.Router.Inputs : settings.Width,
                    part.Outputs, part.Bias is not null))])),
        ];
        if (mixture.Shared is { } shared)
        {
            parts.Add(Parent("shared_experts", $"{family}MLP", [.. shared.Linears.SelectMany(linear => linear.Parts.Select(part =>
                Linear(LastOf(ModuleOf(part.Weight)), linear.Inputs, part.Outputs, part.Bias is not null)))]));
        }

        return Parent(block, $"{family}SparseMoeBlock", parts);
    }

    /// <summary>What is behind the number of the layer, without the tensor's own name.</summary>
    private static string ModuleOf(string tensor) => string.Join('.', tensor.Split('.')[3..^1]);

    private static string LastOf(string module) => module.Split('.').Last(part => part is not "norms" && !char.IsDigit(part[0]));

    private static string NameOf(Activation activation) => activation switch
    {
        Activation.Silu => "SiLU",
        Activation.GeluTanh => "GELUTanh",
        Activation.Gelu => "GELU",
        Activation.Relu => "ReLU",
        Activation.ReluSquared => "ReLUSquared",
        _ => "XIELU",
    };

    private static ModelTreeNode Leaf(string name, string kind, string arguments) => new(name, kind, arguments, 1, []);

    private static ModelTreeNode Parent(string name, string kind, params IReadOnlyList<ModelTreeNode> children) =>
        new(name, kind, "", 1, children);

    private static ModelTreeNode Linear(string name, int inputs, int outputs, bool bias) =>
        Leaf(name, "Linear", $"in_features={inputs}, out_features={outputs}, bias={(bias ? "True" : "False")}");

    private static ModelTreeNode Norm(string name, NormSettings settings, NormWeights weights, string family) =>
        Leaf(name, settings.Kind == NormKind.Layer ? $"{family}LayerNorm" : $"{family}RMSNorm", string.Create(
            CultureInfo.InvariantCulture,
            $"({weights.Width},), eps={settings.Epsilon.ToString(CultureInfo.InvariantCulture).ToLowerInvariant()}"));

    private static long? SizeOf(string folder, DecoderConfig config, DecoderWeights weights, string precision)
    {
        try
        {
            return Plan(folder, config, weights, precision, PositionsMax).DataBytes;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private static OnnxGraphBuilder Plan(string folder, DecoderConfig config, DecoderWeights weights, string precision, int positionsMax)
    {
        using var tensors = CheckpointTensors.None(folder);
        var graph = new OnnxGraphBuilder("model.data");
        var formats = Precision.Create(precision, rounding: new PlainRounding(CalibratedRounding.DefaultGroup));
        DecoderGraph.Build(graph, config, weights, tensors, formats, Math.Min(positionsMax, config.Shape.ContextTokensMax));
        return graph;
    }

    /// <summary>A link that leads nowhere is told as empty: to list a folder is no reason to refuse it.</summary>
    private static long LengthOf(string path) =>
        new FileInfo(path) is { LinkTarget: not null } link && link.ResolveLinkTarget(returnFinalTarget: true) is not { Exists: true }
            ? 0 : SourceFile.Length(path);

    private static ModelTreeFile File(string path)
    {
        var name = Path.GetFileName(path);
        var decides = CheckpointFiles.Copied.FirstOrDefault(file => file.Name == name).Decides ?? name switch
        {
            "model.safetensors.index.json" => "which file holds which tensor",
            "model.onnx" => "the computation: every operator from token ids to logits",
            "model.data" => "the weights, as the operators read them",
            "parley.json" => "what the package is, and the hash of every file",
            _ when name.EndsWith(".safetensors", StringComparison.Ordinal) => "the weights: what the model has learnt",
            _ when name.EndsWith(".gguf", StringComparison.Ordinal) => "the weights and llama.cpp's way of saying what they are",
            _ when name.EndsWith(TokenizerFiles.TiktokenEnding, StringComparison.Ordinal) => "the vocabulary as bytes and ranks",
            _ => "nothing here: Parley does not read it",
        };
        return new ModelTreeFile(name, LengthOf(path), decides);
    }
}
