using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph.Onnx;
using Parley.PackageFormat;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Exports;

/// <summary>What an export is, of its graph's inputs and outputs first, and of its configuration where these leave it open.</summary>
/// <param name="Shape">Sizes of the decoder.</param>
/// <param name="Graph">How a step is given to it; <see cref="ExportedGraph.LogitRows"/> as the export has them.</param>
/// <param name="Architecture">What the configuration calls it.</param>
/// <param name="Parameters">Number of weights.</param>
internal sealed record ExportedShape(ModelShape Shape, ExportedGraph Graph, string Architecture, long Parameters)
{
    private const int SizeMax = 1 << 24;
    private const int LayersMax = 4096;
    private const string Keep = "num_logits_to_keep";
    private const string Microsoft = "com.microsoft";
    private const string GroupQuery = "GroupQueryAttention";

    /// <summary>Reads an export's sizes and names.</summary>
    /// <exception cref="InvalidDataException">An input or output is of no known convention; the message names it.</exception>
    public static ExportedShape Read(ExportSource source, ExportedModel model)
    {
        var genai = source.GenaiPath is { } path ? GenaiConfig.Open(path) : null;
        var config = SourceFile.Exists(Path.Combine(source.Folder, ConfigFile.Name)) ? ConfigFile.Open(source.Folder) : null;
        if (config is null && genai is null)
        {
            throw new InvalidDataException(
                $"{source.Folder}: neither {ExportSource.GenaiName} nor {ConfigFile.Name} is there, which say what the graph is of.");
        }

        var names = Names(genai, model);
        var layers = 0;
        while (layers < LayersMax && Find(model.Inputs, ExportedGraph.Of(names.PastKeys, layers)) is not null)
            layers++;
        if (layers == 0)
            throw Fault(model, $"there is no input {ExportedGraph.Of(names.PastKeys, 0)}: the graph has no cache of keys and values");
        RefuseOthers(model, names, layers);
        var (type, heads, size) = Caches(model, names, layers);
        var (queries, configured, configuredSize) = genai is not null
            ? (genai.QueryHeads, genai.KeyValueHeads, genai.HeadSize) : HeadsOf(config!);
        var keyValueHeads = Agreed(model, "heads", heads, configured);
        var headSize = Agreed(model, "head size", size, configuredSize);
        if (queries % keyValueHeads != 0)
            throw Fault(model, $"{queries} query heads are no multiple of {keyValueHeads} heads of keys and values");
        var hidden = genai?.HiddenSize ?? Text(config!).Int("hidden_size", 1, SizeMax);
        var context = genai?.Context ?? Text(config!).Int("max_position_embeddings", 1, SizeMax);
        var vocabulary = Vocabulary(model, names.Logits, genai?.Vocabulary ?? Text(config!).Int("vocab_size", 1, SizeMax));
        var weights = new ExportedWeights(model);
        var shape = new ModelShape(
            layers, hidden, weights.Widest(vocabulary) is > 0 and var widest ? widest : 4 * hidden, queries, keyValueHeads, headSize,
            vocabulary, Math.Min(context, weights.Positions), TiedEmbeddings: false);
        var graph = names with
        {
            CacheType = type == DataType.Float16 ? "fp16" : "fp32",
            Caches = AreShared(model, names, layers) ? ExportedGraph.Shared : ExportedGraph.Growing,
        };
        var architecture = config is not null && config.Texts("architectures") is [var first, ..] ? first
            : genai?.Type ?? config!.Text("model_type");
        return new ExportedShape(shape, graph, architecture, weights.Parameters);
    }

    private static ConfigFile Text(ConfigFile config) => config.Object("text_config") ?? config;

    private static (int Queries, int KeyValues, int Size) HeadsOf(ConfigFile config)
    {
        var text = Text(config);
        var queries = text.Int("num_attention_heads", 1, SizeMax);
        return (queries, text.Int("num_key_value_heads", 1, SizeMax, queries),
            text.Int("head_dim", 1, SizeMax, text.Int("hidden_size", 1, SizeMax) / queries));
    }

    private static ExportedGraph Names(GenaiConfig? genai, ExportedModel model)
    {
        var mask = Name(true, "attention_mask", "attention_mask");
        var positions = Name(true, "position_ids", "position_ids");
        return new ExportedGraph(
            genai is null ? ExportedGraph.Optimum : ExportedGraph.Genai, ExportedGraph.Growing, "fp32",
            Name(true, "input_ids", "input_ids"),
            Find(model.Inputs, mask) is null ? null : mask,
            Find(model.Inputs, positions) is null ? null : positions,
            Pattern(true, "past_key_names", "past_key_values.%d.key"), Pattern(true, "past_value_names", "past_key_values.%d.value"),
            Pattern(false, "present_key_names", "present.%d.key"), Pattern(false, "present_value_names", "present.%d.value"),
            Name(false, "logits", "logits"), Find(model.Inputs, Keep) is null ? ExportedGraph.All : ExportedGraph.Last, []);

        string Name(bool isInput, string field, string usual) => genai?.NameOf(isInput, field, usual) ?? usual;

        string Pattern(bool isInput, string field, string usual) => Name(isInput, field, usual) is var pattern
            && pattern.Contains("%d", StringComparison.Ordinal) ? pattern
            : throw Fault(model, $"{ExportSource.GenaiName} gives {field} as {pattern}, which has no %d for the layer");
    }

    /// <summary>Whoever runs a graph must give all of its inputs, so each must be known.</summary>
    private static void RefuseOthers(ExportedModel model, ExportedGraph names, int layers)
    {
        var known = Enumerable.Range(0, layers)
            .SelectMany(layer => new[] { ExportedGraph.Of(names.PastKeys, layer), ExportedGraph.Of(names.PastValues, layer) })
            .Concat([names.InputIds, names.AttentionMask ?? "", names.PositionIds ?? "", Keep]).ToHashSet(StringComparer.Ordinal);
        if (model.Inputs.FirstOrDefault(input => !known.Contains(input.Name)) is { } other)
        {
            throw Fault(model, $"the input {other.Name} is of no convention that is known (input_ids, attention_mask, position_ids, keys "
                + $"and values of the past, {Keep})");
        }

        Check(names.InputIds, isInput: true, 2);
        if (names.AttentionMask is { } mask)
            Check(mask, isInput: true, 2);
        if (names.PositionIds is { } positions)
            Check(positions, isInput: true, 2);
        _ = Find(model.Graph.Output, names.Logits) ?? throw Fault(model, $"there is no output {names.Logits}");

        void Check(string name, bool isInput, int rank)
        {
            var tensor = (Find(model.Inputs, name) ?? throw Fault(model, $"there is no input {name}")).Type?.TensorType;
            if (tensor?.ElemType != DataType.Int64 || tensor.Shape?.Dim.Count != rank)
                throw Fault(model, $"{name} is not a tensor of int64 with {rank} dimensions");
        }
    }

    /// <summary>Element type and sizes of all caches; a size is 0 where the graph leaves it open.</summary>
    private static (DataType Type, int Heads, int Size) Caches(ExportedModel model, ExportedGraph names, int layers)
    {
        var (type, heads, size) = (DataType.Undefined, 0, 0);
        for (var layer = 0; layer < layers; layer++)
        {
            foreach (var (name, isInput) in new[]
            {
                (names.PastKeys, true), (names.PastValues, true), (names.PresentKeys, false), (names.PresentValues, false),
            })
            {
                var value = ExportedGraph.Of(name, layer);
                var tensor = (Find(isInput ? model.Inputs : model.Graph.Output, value)
                    ?? throw Fault(model, $"there is no {(isInput ? "input" : "output")} {value}")).Type?.TensorType;
                if (tensor is null || tensor.ElemType is not (DataType.Float or DataType.Float16)
                    || (type != DataType.Undefined && tensor.ElemType != type))
                    throw Fault(model, $"{value} is of {tensor?.ElemType}, not of one type for all, float or float16");
                type = tensor.ElemType;
                if (tensor.Shape is null || tensor.Shape.Dim.Count != 4)
                    throw Fault(model, $"{value} is not [sequences, heads, positions, head size]");
                heads = Same(value, heads, tensor.Shape.Dim[1]);
                size = Same(value, size, tensor.Shape.Dim[3]);
            }
        }

        return (type, heads, size);

        int Same(string name, int known, TensorShapeProto.Types.Dimension dimension)
        {
            if (dimension.ValueCase != TensorShapeProto.Types.Dimension.ValueOneofCase.DimValue)
                return known;
            return dimension.DimValue is > 0 and < SizeMax && (known == 0 || known == dimension.DimValue)
                ? (int)dimension.DimValue
                : throw Fault(model, $"{name} has {dimension.DimValue} where others have {known}: all layers must have the same heads");
        }
    }

    /// <summary>
    /// Whether each layer's keys and values go into GroupQueryAttention as they come and come out of it as they go: then both may be one
    /// buffer. With a bias that was made of the mask they may not, for that knows one length alone.
    /// </summary>
    private static bool AreShared(ExportedModel model, ExportedGraph names, int layers)
    {
        var attention = model.Graph.Node.Where(node => node is { OpType: GroupQuery, Domain: Microsoft } && node.Input.Count > 6)
            .ToLookup(node => node.Input[3]);
        return names.AttentionMask is not null && Enumerable.Range(0, layers).All(layer =>
            attention[ExportedGraph.Of(names.PastKeys, layer)].ToArray() is [var node]
            && node.Input[4] == ExportedGraph.Of(names.PastValues, layer) && node.Output.Count >= 3
            && node.Output[1] == ExportedGraph.Of(names.PresentKeys, layer)
            && node.Output[2] == ExportedGraph.Of(names.PresentValues, layer)
            && (node.Input.Count <= 10 || node.Input[10].Length == 0));
    }

    private static int Vocabulary(ExportedModel model, string name, int configured)
    {
        var tensor = Find(model.Graph.Output, name)!.Type?.TensorType;
        if (tensor is null || tensor.ElemType is not (DataType.Float or DataType.Float16) || tensor.Shape?.Dim.Count != 3)
            throw Fault(model, $"{name} is not [sequences, tokens, vocabulary] of float or float16");
        var last = tensor.Shape.Dim[2];
        // A model may have more rows than its tokenizer has tokens, and its configuration says either.
        return last.DimValue is > 0 and < SizeMax ? (int)last.DimValue : configured;
    }

    private static int Agreed(ExportedModel model, string what, int found, int configured) => found == 0 || found == configured
        ? configured : throw Fault(model, $"keys and values have the {what} {found}, and the configuration says {configured}");

    private static ValueInfoProto? Find(IEnumerable<ValueInfoProto> values, string name) =>
        values.FirstOrDefault(value => value.Name == name);

    private static InvalidDataException Fault(ExportedModel model, string what) => new($"{model.Path}: {what}.");
}
