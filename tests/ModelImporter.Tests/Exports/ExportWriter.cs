using System.Text.Json.Nodes;
using Parley.ModelImporter.Tests.Parity;
using Parley.PackageFormat;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Tests.Exports;

/// <summary>
/// Lays a random Llama out as exporters do: in the conventions of onnxruntime-genai's builder and of optimum. What a style rounds is put
/// back into the checkpoint, so that a forward over that says what the export is to answer.
/// </summary>
internal sealed class ExportWriter
{
    public const string Fields = """{"rms_norm_eps":1e-5,"rope_theta":500000.0,"hidden_act":"silu","tie_word_embeddings":false}""";

    private readonly ExportStyle _style;
    private readonly ModelShape _shape;
    private readonly ExportGraph _graph;
    private readonly SortedDictionary<string, (int[] Shape, float[] Values)> _tensors;

    private ExportWriter(ExportStyle style, ModelShape shape, SortedDictionary<string, (int[] Shape, float[] Values)> tensors)
    {
        (_style, _shape, _tensors) = (style, shape, tensors);
        _graph = new ExportGraph(Type);
    }

    private DataType Type => _style.IsHalf ? DataType.Float16 : DataType.Float;

    /// <summary>Writes a checkpoint and its export.</summary>
    /// <returns>Folders of both.</returns>
    public static (string Checkpoint, string Export) Write(TemporaryFolder folder, ExportStyle style, int seed = 5, string fields = Fields)
    {
        var checkpoint = RandomCheckpoint.Write(folder, "llama", fields, seed);
        return (checkpoint, Write(folder, checkpoint, style));
    }

    /// <summary>Writes the export of a checkpoint.</summary>
    public static string Write(TemporaryFolder folder, string checkpoint, ExportStyle style)
    {
        var export = Directory.CreateDirectory(folder.File("export")).FullName;
        foreach (var name in new[] { "tokenizer.json", "tokenizer_config.json" })
            File.Copy(Path.Combine(checkpoint, name), Path.Combine(export, name));
        var shape = CheckpointReader.ReadConfig(checkpoint).Shape;
        RandomCheckpoint.Change(checkpoint, tensors =>
        {
            var writer = new ExportWriter(style, shape, tensors);
            if (style.IsGenai)
                writer.WriteGenai(export);
            else
                writer.WriteOptimum(export, checkpoint);
        });
        return export;
    }

    private void WriteGenai(string folder)
    {
        var ids = _graph.Input("input_ids", DataType.Int64, "batch_size", "sequence_length");
        var mask = _graph.Input("attention_mask", DataType.Int64, "batch_size", "total_sequence_length");
        var sums = _graph.Node("/sum", "ReduceSum", [mask, _graph.Numbers(1)], ("keepdims", 0));
        var lengths = _graph.Node("/lengths", "Cast", [_graph.Node("/last", "Sub", [sums, _graph.Numbers(1)])], ("to", 6));
        var longest = _graph.Node("/longest", "Gather", [_graph.Node("/shape", "Shape", [mask]), _graph.Number(1)], ("axis", 0));
        var total = _graph.Node("/total", "Cast", [longest], ("to", 6));
        var (cosines, sines) = Tables();
        var hidden = Body(ids, (layer, rows) => _graph.Node(
            $"/model/layers.{layer}/attn/GroupQueryAttention", "GroupQueryAttention",
            [
                .. _style.IsPacked ? new[] { Packed(layer, rows), "", "" } : [.. "qkv".Select(part => Linear(layer, $"{part}", rows))],
                $"past_key_values.{layer}.key", $"past_key_values.{layer}.value", lengths, total, cosines, sines,
            ],
            [$"/attended.{layer}", $"present.{layer}.key", $"present.{layer}.value"],
            ("num_heads", _shape.QueryHeads), ("kv_num_heads", _shape.KeyValueHeads), ("do_rotary", 1)));
        Finish(hidden);
        _graph.Write(Path.Combine(folder, "model.onnx"), "model.onnx.data");
        File.WriteAllText(Path.Combine(folder, "genai_config.json"), GenaiConfig().ToJsonString());
    }

    private void WriteOptimum(string folder, string checkpoint)
    {
        var ids = _graph.Input("input_ids", DataType.Int64, "batch_size", "sequence_length");
        var mask = _graph.Input("attention_mask", DataType.Int64, "batch_size", "past_sequence_length + 1");
        var positions = _graph.Input("position_ids", DataType.Int64, "batch_size", "sequence_length");
        var (cosines, sines) = Tables();
        var (heads, groups) = (_shape.QueryHeads, _shape.QueryHeads / _shape.KeyValueHeads);
        // [B, 1, S, half] of each.
        var (cos, sin) = (Turn("cos", cosines), Turn("sin", sines));
        var total = _graph.Node("/total", "Gather", [_graph.Node("/shape", "Shape", [mask]), _graph.Number(1)], ("axis", 0));
        var range = _graph.Node("/range", "Range", [_graph.Number(0), total, _graph.Number(1)]);
        var seen = _graph.Node("/seen", "LessOrEqual", [range, _graph.Node("/at", "Unsqueeze", [positions, _graph.Numbers(1, 3)])]);
        var hidden = Body(ids, (layer, rows) =>
        {
            var name = $"/model/layers.{layer}";
            var query = Rotated($"{name}/q", Heads($"{name}/q/heads", Linear(layer, "q", rows), heads), cos, sin);
            var key = Rotated($"{name}/k", Heads($"{name}/k/heads", Linear(layer, "k", rows), _shape.KeyValueHeads), cos, sin);
            var value = Heads($"{name}/v/heads", Linear(layer, "v", rows), _shape.KeyValueHeads);
            var keys = _graph.Node($"present.{layer}.key", "Concat", [$"past_key_values.{layer}.key", key], ("axis", 2));
            var values = _graph.Node($"present.{layer}.value", "Concat", [$"past_key_values.{layer}.value", value], ("axis", 2));
            var turned = _graph.Node($"{name}/turned", "Transpose", [Repeated($"{name}/keys", keys)], ("perm", new long[] { 0, 1, 3, 2 }));
            var product = _graph.Node($"{name}/scores", "MatMul", [query, turned]);
            var scores = _graph.Node($"{name}/scaled", "Mul", [product, _graph.Scalar(1 / MathF.Sqrt(_shape.HeadSize))]);
            var masked = _graph.Node($"{name}/masked", "Where", [seen, scores, _graph.Scalar(-60_000)]);
            var weights = _graph.Node($"{name}/weights", "Softmax", [masked], ("axis", -1));
            var mixed = _graph.Node($"{name}/mixed", "MatMul", [weights, Repeated($"{name}/values", values)]);
            var back = _graph.Node($"{name}/back", "Transpose", [mixed], ("perm", new long[] { 0, 2, 1, 3 }));
            return _graph.Node($"{name}/flat", "Reshape", [back, _graph.Numbers(0, 0, heads * _shape.HeadSize)]);
        });
        Finish(hidden);
        var place = Directory.CreateDirectory(Path.Combine(folder, "onnx")).FullName;
        _graph.Write(Path.Combine(place, _style.Bits == 4 ? "model_q4.onnx" : "model.onnx"), null);
        File.Copy(Path.Combine(checkpoint, "config.json"), Path.Combine(folder, "config.json"));
        File.Copy(Path.Combine(checkpoint, "generation_config.json"), Path.Combine(folder, "generation_config.json"));

        string Turn(string name, string table) => _graph.Node(
            $"/{name}", "Unsqueeze", [_graph.Node($"/{name}/rows", "Gather", [table, positions], ("axis", 0)), _graph.Numbers(1)]);

        string Heads(string name, string rows, int count) => _graph.Node(
            name, "Transpose", [_graph.Node($"{name}/split", "Reshape", [rows, _graph.Numbers(0, 0, count, _shape.HeadSize)])],
            ("perm", new long[] { 0, 2, 1, 3 }));

        string Repeated(string name, string rows)
        {
            var apart = _graph.Node($"{name}/apart", "Unsqueeze", [rows, _graph.Numbers(2)]);
            var tiled = _graph.Node($"{name}/tiled", "Tile", [apart, _graph.Numbers(1, 1, groups, 1, 1)]);
            return _graph.Node($"{name}/repeated", "Reshape", [tiled, _graph.Numbers(1, heads, -1, _shape.HeadSize)]);
        }
    }

    private string Rotated(string name, string rows, string cos, string sin)
    {
        var (half, first, second) = (_shape.HeadSize / 2, $"{name}/first", $"{name}/second");
        _graph.Node($"{name}/halves", "Split", [rows, _graph.Numbers(half, half)], [first, second], ("axis", -1));
        var low = _graph.Node($"{name}/low", "Sub", [Times("a", first, cos), Times("b", second, sin)]);
        var high = _graph.Node($"{name}/high", "Add", [Times("c", second, cos), Times("d", first, sin)]);
        return _graph.Node($"{name}/rotated", "Concat", [low, high], ("axis", -1));

        string Times(string part, string one, string other) => _graph.Node($"{name}/{part}", "Mul", [one, other]);
    }

    /// <summary>Embedding, layers and last norm.</summary>
    private string Body(string ids, Func<int, string, string> attend)
    {
        var embedding = _tensors["model.embed_tokens.weight"];
        var table = _graph.Weights("model.embed_tokens.weight", embedding.Values, [.. embedding.Shape]);
        var stream = _graph.Node("/embed", "Gather", [table, ids]);
        var update = "";
        for (var layer = 0; layer < _shape.Layers; layer++)
        {
            (stream, var rows) = Norm($"model.layers.{layer}.input_layernorm.weight", stream, update);
            update = Linear(layer, "o", attend(layer, rows));
            (stream, rows) = Norm($"model.layers.{layer}.post_attention_layernorm.weight", stream, update);
            var gate = Linear(layer, "gate", rows);
            var name = $"/model/layers.{layer}/mlp";
            var silu = _graph.Node($"{name}/silu", "Mul", [gate, _graph.Node($"{name}/sigmoid", "Sigmoid", [gate])]);
            update = Linear(layer, "down", _graph.Node($"{name}/mul", "Mul", [silu, Linear(layer, "up", rows)]));
        }

        return Norm("model.norm.weight", stream, update).Rows;
    }

    private void Finish(string hidden)
    {
        if (_style.KeepsLogits)
        {
            var keep = _graph.Input("num_logits_to_keep", DataType.Int64);
            var start = _graph.Node("/keep/start", "Neg", [_graph.Node("/keep/vector", "Unsqueeze", [keep, _graph.Numbers(0)])]);
            hidden = _graph.Node("/keep/last", "Slice", [hidden, start, _graph.Numbers(int.MaxValue), _graph.Numbers(1)]);
        }

        var logits = Multiply("lm_head", "lm_head.weight", hidden, _style.CastsLogits ? "/lm_head/MatMul" : "logits");
        if (_style.CastsLogits)
            _graph.Node("logits", "Cast", [logits], ("to", 1));
        _graph.Output("logits", _style.CastsLogits ? DataType.Float : Type, "batch_size", "sequence_length", _shape.VocabularySize);
        for (var layer = 0; layer < _shape.Layers; layer++)
        {
            foreach (var part in new[] { "key", "value" })
            {
                var (heads, size) = (_shape.KeyValueHeads, _shape.HeadSize);
                _graph.Input($"past_key_values.{layer}.{part}", Type, "batch_size", heads, "past_sequence_length", size);
                _graph.Output($"present.{layer}.{part}", Type, "batch_size", heads, "total_sequence_length", size);
            }
        }
    }

    private (string Stream, string Rows) Norm(string weight, string stream, string update)
    {
        var isLast = weight == "model.norm.weight";
        var name = isLast ? $"model.layers.{_shape.Layers}.final_norm_layernorm.weight" : weight;
        _graph.Weights(name, _tensors[weight].Values, _shape.HiddenSize);
        if (update.Length == 0)
        {
            return (stream, _graph.Node(
                $"/{name}", "SimplifiedLayerNormalization", [stream, name], ("epsilon", 1e-5f), ("axis", -1), ("stash_type", 1)));
        }

        _graph.Node($"/{name}", "SkipSimplifiedLayerNormalization", [stream, update, name],
            isLast ? [$"/{name}"] : [$"/{name}", "", "", $"/{name}/stream"], ("epsilon", 1e-5f));
        return ($"/{name}/stream", $"/{name}");
    }

    private string Linear(int layer, string part, string rows)
    {
        var (own, built) = part is "gate" or "up" or "down" ? ("mlp", "mlp") : ("self_attn", "attn");
        return Multiply($"model.layers.{layer}.{built}.{part}_proj", $"model.layers.{layer}.{own}.{part}_proj.weight", rows);
    }

    private string Packed(int layer, string rows)
    {
        const string name = "packed";
        var parts = "qkv".Select(part => _tensors[$"model.layers.{layer}.self_attn.{part}_proj.weight"]).ToList();
        _tensors[name] = ([parts.Sum(part => part.Shape[0]), _shape.HiddenSize], [.. parts.SelectMany(part => part.Values)]);
        var product = Multiply($"model.layers.{layer}.attn.qkv_proj", name, rows);
        // What was rounded goes back to the three.
        var values = _tensors[name].Values.AsSpan();
        foreach (var part in parts)
        {
            values[..part.Values.Length].CopyTo(part.Values);
            values = values[part.Values.Length..];
        }

        _tensors.Remove(name);
        return product;
    }

    private string Multiply(string module, string weight, string rows, string? output = null)
    {
        var (shape, values) = _tensors[weight];
        var (outputs, inputs) = (shape[0], shape[1]);
        output ??= $"/{module}/MatMul";
        if (_style.Bits == 0)
        {
            var transposed = new float[values.Length];
            for (var i = 0; i < values.Length; i++)
                transposed[(i % inputs * outputs) + (i / inputs)] = values[i];
            var matrix = _graph.Weights($"{module}.MatMul.weight", transposed, inputs, outputs);
            return _graph.Node($"/{module}", "MatMul", [rows, matrix], [output]);
        }

        var (codes, scales, zeros) = BlockRounding.Round(values, inputs, _style.Bits, _style.Block, _style.HasZeroPoints);
        var (blocks, name) = (inputs / _style.Block, $"{module}.MatMul.weight");
        string[] zeroPoints = _style.HasZeroPoints
            ? [_graph.Tensor($"{name}_zp", DataType.Uint8, zeros, outputs, zeros.Length / outputs)] : [];
        return _graph.Node(
            $"/{module}", "MatMulNBits",
            [
                rows, _graph.Tensor($"{name}_Q{_style.Bits}", DataType.Uint8, codes, outputs, blocks, _style.Block * _style.Bits / 8),
                _graph.Weights($"{name}_scales", scales, outputs, blocks),
                .. zeroPoints,
            ],
            [output], ("K", inputs), ("N", outputs), ("bits", _style.Bits), ("block_size", _style.Block),
            ("accuracy_level", _style.IsHalf ? 0 : 1));
    }

    private (string Cosines, string Sines) Tables()
    {
        var (half, positions) = (_shape.HeadSize / 2, _shape.ContextTokensMax);
        var angles = Enumerable.Range(0, positions * half)
            .Select(i => i / half * Math.Pow(500_000, -2.0 * (i % half) / _shape.HeadSize)).ToList();
        return (_graph.Weights("cos_cache", [.. angles.Select(angle => (float)Math.Cos(angle))], positions, half),
            _graph.Weights("sin_cache", [.. angles.Select(angle => (float)Math.Sin(angle))], positions, half));
    }

    private JsonObject GenaiConfig() => JsonNode.Parse($$$"""
        {"model":{"type":"llama","bos_token_id":0,"eos_token_id":[1],"context_length":{{{_shape.ContextTokensMax}}},
         "vocab_size":{{{_shape.VocabularySize}}},"decoder":{"filename":"model.onnx","head_size":{{{_shape.HeadSize}}},
         "hidden_size":{{{_shape.HiddenSize}}},"num_attention_heads":{{{_shape.QueryHeads}}},"num_hidden_layers":{{{_shape.Layers}}},
         "num_key_value_heads":{{{_shape.KeyValueHeads}}},
         "inputs":{"input_ids":"input_ids","attention_mask":"attention_mask","past_key_names":"past_key_values.%d.key",
          "past_value_names":"past_key_values.%d.value"},
         "outputs":{"logits":"logits","present_key_names":"present.%d.key","present_value_names":"present.%d.value"}} },
         "search":{"do_sample":true,"temperature":0.7,"top_k":40,"top_p":0.9} }
        """)!.AsObject();
}
