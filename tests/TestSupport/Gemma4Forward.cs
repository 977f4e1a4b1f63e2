using System.Text.Json;

namespace Parley.TestSupport;

/// <summary>
/// A plain forward pass of Gemma 4's text model over one sequence, from its definition in transformers: sums in double, no cache, nothing
/// fused.
/// </summary>
/// <param name="config">The text model's configuration.</param>
/// <param name="tensors">Its tensors without their prefix.</param>
internal sealed class Gemma4Forward(JsonElement config, IReadOnlyDictionary<string, float[]> tensors)
{
    private readonly Dictionary<string, (double[][] Keys, double[][] Values)> _stored = new(StringComparer.Ordinal);

    private int Hidden => Int("hidden_size", 0);

    private int Layers => Int("num_hidden_layers", 0);

    private int Heads => Int("num_attention_heads", 0);

    private int Width => Int("hidden_size_per_layer_input", 256);

    private int FirstShared => Layers - Int("num_kv_shared_layers", 0);

    private double Epsilon => config.GetProperty("rms_norm_eps").GetDouble();

    /// <summary>Logits of every position.</summary>
    public double[][] Logits(int[] ids)
    {
        _stored.Clear();
        var embeddings = ids.Select(id => Row("embed_tokens.weight", id, Hidden).Select(value => value * Math.Sqrt(Hidden)).ToArray());
        double[][] x = [.. embeddings];
        var perLayer = Width == 0 ? null : ids.Zip(x, PerLayer).ToArray();
        for (var layer = 0; layer < Layers; layer++)
            x = Layer(layer, x, perLayer);
        var head = tensors.TryGetValue("lm_head.weight", out var own) ? own : tensors["embed_tokens.weight"];
        var normalized = x.Select(row => Norm(row, "norm.weight")).ToArray();
        var logits = new double[ids.Length][];
        Parallel.For(0, ids.Length, t => logits[t] = [.. Multiply(normalized[t], head).Select(Cap)]);
        return logits;
    }

    private double Cap(double logit) => Find("final_logit_softcapping") is { } cap
        ? Math.Tanh(logit / cap.GetDouble()) * cap.GetDouble() : logit;

    /// <summary>What the layers read of a token beside the stream, one after the other.</summary>
    private double[] PerLayer(int id, double[] embedding)
    {
        var row = Row("embed_tokens_per_layer.weight", id, Layers * Width);
        var projected = Multiply(embedding, tensors["per_layer_model_projection.weight"]).Select(v => v / Math.Sqrt(Hidden)).ToArray();
        return [.. Enumerable.Range(0, Layers).SelectMany(layer =>
            Norm(projected[(layer * Width)..((layer + 1) * Width)], "per_layer_projection_norm.weight")
                .Select((value, i) => (value + (row[(layer * Width) + i] * Math.Sqrt(Width))) / Math.Sqrt(2)))];
    }

    private double[][] Layer(int layer, double[][] x, double[][]? perLayer)
    {
        var name = $"layers.{layer}";
        var attention = Attention(layer, [.. x.Select(row => Norm(row, $"{name}.input_layernorm.weight"))]);
        var result = new double[x.Length][];
        Parallel.For(0, x.Length, t =>
        {
            var sum = Add(x[t], Norm(attention[t], $"{name}.post_attention_layernorm.weight"));
            var mlp = Mlp($"{name}.mlp", Norm(sum, $"{name}.pre_feedforward_layernorm.weight"));
            if (tensors.ContainsKey($"{name}.router.proj.weight"))
            {
                mlp = Add(Norm(mlp, $"{name}.post_feedforward_layernorm_1.weight"),
                    Norm(Mixture(name, sum), $"{name}.post_feedforward_layernorm_2.weight"));
            }

            sum = Add(sum, Norm(mlp, $"{name}.post_feedforward_layernorm.weight"));
            if (perLayer is not null)
            {
                var gate = Multiply(sum, tensors[$"{name}.per_layer_input_gate.weight"]).Select(Activate)
                    .Select((value, i) => value * perLayer[t][(layer * Width) + i]).ToArray();
                sum = Add(sum, Norm(Multiply(gate, tensors[$"{name}.per_layer_projection.weight"]),
                    $"{name}.post_per_layer_input_norm.weight"));
            }

            result[t] = [.. sum.Select(value => value * tensors[$"{name}.layer_scalar"][0])];
        });
        return result;
    }

    private double[][] Attention(int layer, double[][] x)
    {
        var (name, size) = ($"layers.{layer}.self_attn", HeadSize(layer));
        var kind = Slides(layer) ? "sliding_attention" : "full_attention";
        double[][] queries = [.. x.Select((row, t) => Rotate(layer, t, HeadNorm(Linear(row, $"{name}.q_proj"), size, $"{name}.q_norm")))];
        if (layer < FirstShared)
        {
            var keys = x.Select(row => Linear(row, $"{name}.k_proj")).ToArray();
            var values = tensors.ContainsKey($"{name}.v_proj.weight") ? x.Select(row => Linear(row, $"{name}.v_proj")) : keys;
            // The last of its type is what layers without keys of their own see.
            _stored[kind] = (
                [.. keys.Select((row, t) => Rotate(layer, t, HeadNorm(row, size, $"{name}.k_norm")))],
                [.. values.Select(row => HeadNorm(row, size, null))]);
        }

        var (seen, mixed) = (_stored[kind], new double[x.Length][]);
        Parallel.For(0, x.Length, t => mixed[t] = Mix(layer, queries[t], seen.Keys, seen.Values, t, size));
        return [.. mixed.Select(row => Linear(row, $"{name}.o_proj"))];
    }

    private double[] Mix(int layer, double[] query, double[][] keys, double[][] values, int t, int size)
    {
        var mixed = new double[query.Length];
        var first = Slides(layer) ? Math.Max(0, t - Int("sliding_window", 512) + 1) : 0;
        for (var head = 0; head < Heads; head++)
        {
            var shared = head / (Heads / (keys[0].Length / size)) * size;
            var scores = Enumerable.Range(first, t + 1 - first)
                .Select(s => Enumerable.Range(0, size).Sum(d => query[(head * size) + d] * keys[s][shared + d])).ToArray();
            var weights = scores.Select(score => Math.Exp(score - scores.Max())).ToArray();
            for (var d = 0; d < size; d++)
                mixed[(head * size) + d] = weights.Select((weight, i) => weight * values[first + i][shared + d]).Sum() / weights.Sum();
        }

        return mixed;
    }

    private double[] Rotate(int layer, int position, double[] row)
    {
        var rope = Find("rope_parameters") is { } given
            ? given.GetProperty(Slides(layer) ? "sliding_attention" : "full_attention") : default;
        double Get(string field, double fallback) =>
            rope.ValueKind == JsonValueKind.Object && rope.TryGetProperty(field, out var value) ? value.GetDouble() : fallback;
        var isDefault = rope.ValueKind != JsonValueKind.Object;
        var isProportional = isDefault ? !Slides(layer) : rope.GetProperty("rope_type").GetString() == "proportional";
        var theta = Get("rope_theta", isDefault && !Slides(layer) ? 1e6 : 1e4);
        var size = HeadSize(layer);
        var turning = isProportional ? (int)Math.Floor(Get("partial_rotary_factor", isDefault ? 0.25 : 1) * size / 2) : size / 2;
        var rotated = row.ToArray();
        for (var start = 0; start < row.Length; start += size)
        {
            for (var i = 0; i < turning; i++)
            {
                var angle = position * (float)(Math.Pow(theta, -2.0 * i / size) / (isProportional ? Get("factor", 1) : 1));
                var (a, b) = (row[start + i], row[start + i + (size / 2)]);
                rotated[start + i] = (a * Math.Cos(angle)) - (b * Math.Sin(angle));
                rotated[start + i + (size / 2)] = (b * Math.Cos(angle)) + (a * Math.Sin(angle));
            }
        }

        return rotated;
    }

    private double[] Mlp(string name, double[] x)
    {
        var (gate, up) = (Multiply(x, tensors[$"{name}.gate_proj.weight"]), Multiply(x, tensors[$"{name}.up_proj.weight"]));
        return Multiply([.. gate.Zip(up, (g, u) => Activate(g) * u)], tensors[$"{name}.down_proj.weight"]);
    }

    private double[] Mixture(string name, double[] x)
    {
        var scale = tensors[$"{name}.router.scale"];
        double[] routed = [.. Normalize(x).Select((value, i) => value * scale[i] / Math.Sqrt(Hidden))];
        var logits = Multiply(routed, tensors[$"{name}.router.proj.weight"]);
        var scores = logits.Select(logit => Math.Exp(logit - logits.Max())).ToArray();
        var chosen = Enumerable.Range(0, scores.Length).OrderByDescending(i => scores[i]).Take(Int("top_k_experts", 0)).ToArray();
        var input = Norm(x, $"{name}.pre_feedforward_layernorm_2.weight");
        var sum = new double[Hidden];
        foreach (var expert in chosen)
        {
            var factor = scores[expert] / chosen.Sum(other => scores[other]) * tensors[$"{name}.router.per_expert_scale"][expert];
            var part = Expert(name, expert, input);
            for (var i = 0; i < sum.Length; i++)
                sum[i] += factor * part[i];
        }

        return sum;
    }

    private double[] Expert(string name, int expert, double[] x)
    {
        if (!tensors.TryGetValue($"{name}.experts.gate_up_proj", out var both))
            return Mlp($"{name}.experts.{expert}", x);
        var width = Int("moe_intermediate_size", 0);
        var outputs = Multiply(x, both.AsSpan(expert * 2 * width * Hidden, 2 * width * Hidden));
        double[] gated = [.. outputs[..width].Zip(outputs[width..], (gate, up) => Activate(gate) * up)];
        return Multiply(gated, tensors[$"{name}.experts.down_proj"].AsSpan(expert * width * Hidden, width * Hidden));
    }

    private double Activate(double v) => Find("hidden_activation")?.GetString() == "silu" ? v / (1 + Math.Exp(-v))
        : 0.5 * v * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (v + (0.044715 * v * v * v))));

    private bool Slides(int layer) => layer < Layers - 1 && (Find("layer_types") is { } types
        ? types[layer].GetString() == "sliding_attention" : (layer + 1) % 6 != 0);

    private int HeadSize(int layer)
    {
        var most = Int("head_dim", 256);
        if (config.TryGetProperty("per_layer_config", out var layers))
        {
            return layers.ValueKind == JsonValueKind.Object && layers.TryGetProperty($"{layer}", out var own)
                && own.TryGetProperty("head_dim", out var size) ? size.GetInt32() : most;
        }

        return Slides(layer) ? most : Int("global_head_dim", 512);
    }

    private double[] HeadNorm(double[] row, int size, string? name) => [.. Enumerable.Range(0, row.Length / size).SelectMany(head =>
        name is null ? Normalize(row[(head * size)..((head + 1) * size)])
            : Norm(row[(head * size)..((head + 1) * size)], $"{name}.weight"))];

    private double[] Norm(double[] row, string name) => [.. Normalize(row).Select((value, i) => value * tensors[name][i])];

    private double[] Normalize(double[] row)
    {
        var scale = 1 / Math.Sqrt(row.Average(value => value * value) + Epsilon);
        return [.. row.Select(value => value * scale)];
    }

    private double[] Linear(double[] x, string name)
    {
        var y = Multiply(x, tensors[$"{name}.weight"]);
        return tensors.TryGetValue($"{name}.bias", out var bias) ? Add(y, [.. bias.Select(value => (double)value)]) : y;
    }

    private double[] Row(string name, int row, int width) => [.. tensors[name].AsSpan(row * width, width).ToArray().Select(v => (double)v)];

    private static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (one, other) => one + other)];

    private static double[] Multiply(double[] x, ReadOnlySpan<float> weight)
    {
        var y = new double[weight.Length / x.Length];
        for (var o = 0; o < y.Length; o++)
        {
            for (var i = 0; i < x.Length; i++)
                y[o] += weight[(o * x.Length) + i] * x[i];
        }

        return y;
    }

    private int Int(string field, int fallback) => Find(field)?.GetInt32() ?? fallback;

    private JsonElement? Find(string field) =>
        config.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
