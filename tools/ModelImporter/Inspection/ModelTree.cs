using System.Globalization;
using System.Text;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Calibration;
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

    /// <summary>Reads a folder, or that of a GGUF file; its weights may be missing, and are not read.</summary>
    /// <exception cref="InvalidDataException">config.json is missing, malformed or unsupported; the message names the field.</exception>
    public static ModelTree Read(string folder)
    {
        var config = CheckpointReader.ReadConfig(folder);
        var weights = CheckpointReader.WeightsOf(config);
        return new ModelTree(
            Describe(config),
            weights.Parameters(config.Shape),
            (long)config.Shape.CacheElementsPerToken * sizeof(float),
            [.. Precision.Names.Select(precision => new PrecisionSize(precision, SizeOf(folder, config, weights, precision)))],
            [.. Directory.GetFiles(CheckpointTensors.FolderOf(folder)).Order(StringComparer.Ordinal).Select(File),
                .. TokenizerFiles.Templates(CheckpointTensors.FolderOf(folder)).Select(name => new ModelTreeFile(name,
                    SourceFile.Length(Path.Combine(CheckpointTensors.FolderOf(folder), name)),
                    "another way to write a chat, which requests ask for by name"))]);
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
        foreach (var file in Files)
            text.Append(CultureInfo.InvariantCulture, $"{file.Name,-32} {file.Bytes,15:N0}  {file.Decides}\n");
        return text.ToString();
    }

    private static ModelTreeNode Describe(DecoderConfig config)
    {
        var shape = config.Shape;
        var hidden = shape.HiddenSize;
        var queries = shape.QueryHeads * shape.HeadSize;
        var keys = shape.KeyValueHeads * shape.HeadSize;
        // The names that the walk-through prints; newer versions of transformers say LlamaAttention and keep rotary_emb in the model only.
        var attention = Parent("self_attn", "LlamaSdpaAttention",
            Linear("q_proj", hidden, queries, config.AttentionBias),
            Linear("k_proj", hidden, keys, config.AttentionBias),
            Linear("v_proj", hidden, keys, config.AttentionBias),
            Linear("o_proj", queries, hidden, config.OutputBias),
            Leaf("rotary_emb", "LlamaRotaryEmbedding", ""));
        var mlp = Parent("mlp", "LlamaMLP",
            Linear("gate_proj", hidden, shape.IntermediateSize, config.MlpBias),
            Linear("up_proj", hidden, shape.IntermediateSize, config.MlpBias),
            Linear("down_proj", shape.IntermediateSize, hidden, config.MlpBias),
            Leaf("act_fn", "SiLU", ""));
        var layer = new ModelTreeNode(
            shape.Layers == 1 ? "0" : $"0-{shape.Layers - 1}", "LlamaDecoderLayer", "", shape.Layers,
            [attention, mlp, Norm("input_layernorm", config), Norm("post_attention_layernorm", config)]);
        var model = Parent("model", "LlamaModel",
            Leaf("embed_tokens", "Embedding", $"{shape.VocabularySize}, {hidden}"),
            Parent("layers", "ModuleList", layer),
            Norm("norm", config),
            Leaf("rotary_emb", "LlamaRotaryEmbedding", ""));
        return Parent("", config.Architecture, model, Linear("lm_head", hidden, shape.VocabularySize, bias: false));
    }

    private static ModelTreeNode Leaf(string name, string kind, string arguments) => new(name, kind, arguments, 1, []);

    private static ModelTreeNode Parent(string name, string kind, params IReadOnlyList<ModelTreeNode> children) =>
        new(name, kind, "", 1, children);

    private static ModelTreeNode Linear(string name, int inputs, int outputs, bool bias) =>
        Leaf(name, "Linear", $"in_features={inputs}, out_features={outputs}, bias={(bias ? "True" : "False")}");

    private static ModelTreeNode Norm(string name, DecoderConfig config) =>
        Leaf(name, "LlamaRMSNorm", string.Create(
            CultureInfo.InvariantCulture,
                $"({config.Shape.HiddenSize},), eps={config.Norm.Epsilon.ToString(CultureInfo.InvariantCulture).ToLowerInvariant()}"));

    private static long? SizeOf(string folder, DecoderConfig config, DecoderWeights weights, string precision)
    {
        try
        {
            using var tensors = CheckpointTensors.None(folder);
            var graph = new OnnxGraphBuilder("model.data");
            var formats = Precision.Create(precision, rounding: new PlainRounding(CalibratedRounding.DefaultGroup));
            DecoderGraph.Build(graph, config, weights, tensors, formats, Math.Min(PositionsMax, config.Shape.ContextTokensMax));
            return graph.DataBytes;
        }
        catch (InvalidDataException)
        {
            return null;
        }
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
