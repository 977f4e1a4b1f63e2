using System.Runtime.InteropServices;
using System.Text.Json;

namespace Parley.TestSupport;

/// <summary>
/// A plain forward pass of any family over one sequence, from the definitions in transformers: sums in double, no cache, nothing
/// fused. It reads a Hugging Face folder by itself, so that it shares no code with what it checks.
/// </summary>
public sealed class FamilyForward
{
    private static readonly string[] Prefixes = ["model.language_model.", "language_model.model.", "language_model.", "model."];

    private readonly Dictionary<string, float[]> _tensors = new(StringComparer.Ordinal);
    private readonly FamilyConfig _config;
    private readonly FamilyRotary _rotary;
    private readonly FamilyMixture _mixture;
    private readonly FamilyLinearAttention _linearAttention;

    /// <param name="folder">A folder with config.json and *.safetensors (F32, F16 or BF16).</param>
    public FamilyForward(string folder)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "config.json")));
        _config = new FamilyConfig(document.RootElement.Clone());
        _rotary = new FamilyRotary(_config);
        foreach (var path in Directory.GetFiles(folder, "*.safetensors"))
            Load(path);
        _mixture = new FamilyMixture(_config, _tensors);
        _linearAttention = new FamilyLinearAttention(_config, _tensors);
    }

    /// <summary>Logits of every position.</summary>
    public double[][] Logits(ReadOnlySpan<int> ids)
    {
        if (_config.Type == "gemma4_text")
            return new Gemma4Forward(_config.Root, _tensors).Logits(ids.ToArray());
        var hidden = _config.Hidden;
        var embedding = _tensors["embed_tokens.weight"];
        var x = new double[ids.Length][];
        for (var t = 0; t < ids.Length; t++)
            x[t] = [.. embedding.AsSpan(ids[t] * hidden, hidden).ToArray().Select(value => value * _config.EmbeddingFactor)];
        for (var layer = 0; layer < _config.Layers; layer++)
            x = Layer(layer, x);
        var head = _tensors.TryGetValue("lm_head.weight", out var own) ? own : embedding;
        var normalized = Norm(x, _config.Type.StartsWith("lfm", StringComparison.Ordinal) ? "embedding_norm" : "norm", hidden);
        return [.. normalized.Select(row => Multiply(row, head, _config.Vocabulary, null).Select(Logit).ToArray())];
    }

    private double Logit(double value)
    {
        value *= _config.LogitFactor;
        return _config.LogitSoftcap is { } cap ? Math.Tanh(value / cap) * cap : value;
    }

    private double[][] Layer(int layer, double[][] x)
    {
        var name = $"layers.{layer}";
        var (before, afterAttention, beforeMlp, afterMlp) = _config.Norms;
        var input = before is null ? x : Norm(x, $"{name}.{before}", _config.Hidden);
        var attention = _linearAttention.IsIn(name) ? _linearAttention.Apply(name, input)
            : _config.Convolves(layer) ? Convolve(name, input) : Attention(layer, input);
        if (afterAttention is not null)
            attention = Norm(attention, $"{name}.{afterAttention}", _config.Hidden);
        var sum = Sum(x, attention, _config.ResidualFactor);
        var mlpInput = _config.IsParallel ? input : beforeMlp is null ? sum : Norm(sum, $"{name}.{beforeMlp}", _config.Hidden);
        var mlp = Mlp(name, mlpInput);
        if (afterMlp is not null)
            mlp = Norm(mlp, $"{name}.{afterMlp}", _config.Hidden);
        return Sum(sum, mlp, _config.ResidualFactor);
    }

    private static double[][] Sum(double[][] x, double[][] update, double factor) =>
        [.. x.Zip(update, (row, more) => row.Zip(more, (a, b) => a + (b * factor)).ToArray())];

    private double[][] Attention(int layer, double[][] x)
    {
        var name = $"layers.{layer}.self_attn";
        if (_config.IsLatent)
        {
            var latent = new FamilyLatent(_config, _rotary, Linear, (rows, norm) =>
                [.. rows.Select(row => Normalize(row, _tensors[$"{norm}.weight"], null, root: true, epsilon: 1e-6))]);
            return Linear(latent.Mix(name, x, _tensors.ContainsKey($"{name}.q_b_proj.weight")), $"{name}.o_proj", _config.Hidden);
        }

        var (size, heads, shared) = (_config.HeadSize, _config.Heads, _config.KeyValueHeads);
        double[][] queries, keys, values;
        double[][]? gates = null;
        if (_config.Type == "phi3")
        {
            var packed = Linear(x, $"{name}.qkv_proj", (heads + (2 * shared)) * size);
            queries = [.. packed.Select(row => row[..(heads * size)])];
            keys = [.. packed.Select(row => row[(heads * size)..((heads + shared) * size)])];
            values = [.. packed.Select(row => row[((heads + shared) * size)..])];
        }
        else
        {
            queries = Linear(x, $"{name}.q_proj", (_config.HasOutputGate ? 2 : 1) * heads * size);
            if (_config.HasOutputGate)
            {
                gates = [.. queries.Select(row => Half(row, size, 1))];
                queries = [.. queries.Select(row => Half(row, size, 0))];
            }

            keys = Linear(x, $"{name}.k_proj", shared * size);
            values = Clip(Linear(x, $"{name}.v_proj", shared * size));
        }

        (queries, keys) = (Prepare(layer, queries, heads, "q", x.Length), Prepare(layer, keys, shared, "k", x.Length));
        var mixed = new double[x.Length][];
        Parallel.For(0, x.Length, t =>
        {
            mixed[t] = new double[heads * size];
            for (var head = 0; head < heads; head++)
                Mix(layer, queries[t], keys, values, t, head, mixed[t]);
            for (var i = 0; gates is not null && i < heads * size; i++)
                mixed[t][i] /= 1 + Math.Exp(-gates[t][i]);
        });
        if (_tensors.ContainsKey($"{name}.gate_proj.weight") || _tensors.ContainsKey($"{name}.g_proj.weight"))
        {
            var headGates = Linear(x, _tensors.ContainsKey($"{name}.g_proj.weight") ? $"{name}.g_proj" : $"{name}.gate_proj", heads);
            mixed = [.. mixed.Zip(headGates, (row, gate) => row.Select((value, i) => value / (1 + Math.Exp(-gate[i / size]))).ToArray())];
        }

        return Linear(mixed, _config.Type is "lfm2" or "lfm2_moe" ? $"{name}.out_proj" : $"{name}.o_proj", _config.Hidden);
    }

    /// <summary>A gated short convolution: gate of the input, gate of the output, input.</summary>
    private double[][] Convolve(string layer, double[][] x)
    {
        var (name, hidden) = ($"{layer}.conv", _config.Hidden);
        var rows = Linear(x, $"{name}.in_proj", 3 * hidden);
        var (weight, bias) = (_tensors[$"{name}.conv.weight"], _tensors.GetValueOrDefault($"{name}.conv.bias"));
        var width = weight.Length / hidden;
        var mixed = rows.Select((row, t) => Enumerable.Range(0, hidden).Select(channel =>
        {
            double sum = bias?[channel] ?? 0;
            for (var i = Math.Max(0, width - 1 - t); i < width; i++)
            {
                var source = rows[t - width + 1 + i];
                sum += weight[(channel * width) + i] * source[channel] * source[(2 * hidden) + channel];
            }

            return sum * row[hidden + channel];
        }).ToArray()).ToArray();
        return Linear(mixed, $"{name}.out_proj", hidden);
    }

    /// <summary>Every other run of a length.</summary>
    private static double[] Half(double[] row, int length, int which) =>
        [.. Enumerable.Range(0, row.Length / 2).Select(i => row[(((i / length * 2) + which) * length) + (i % length)])];

    private void Mix(int layer, double[] query, double[][] keys, double[][] values, int t, int head, double[] mixed)
    {
        var size = _config.HeadSize;
        var shared = head / (_config.Heads / _config.KeyValueHeads) * size;
        var first = _config.Window(layer) is { } window ? Math.Max(0, t - window + 1) : 0;
        var scores = new double[t + 1 - first];
        for (var s = first; s <= t; s++)
        {
            var score = 0.0;
            for (var d = 0; d < size; d++)
                score += query[(head * size) + d] * keys[s][shared + d];
            score *= _config.AttentionFactor;
            scores[s - first] = _config.AttentionSoftcap is { } cap ? Math.Tanh(score / cap) * cap : score;
        }

        // A sink takes part in the softmax and has no value.
        var sink = _tensors.TryGetValue($"layers.{layer}.self_attn.sinks", out var sinks) ? sinks[head] : double.NegativeInfinity;
        var largest = Math.Max(scores.Max(), sink);
        var weights = scores.Select(score => Math.Exp(score - largest)).ToArray();
        var total = weights.Sum() + Math.Exp(sink - largest);
        for (var d = 0; d < size; d++)
        {
            for (var s = first; s <= t; s++)
                mixed[(head * size) + d] += weights[s - first] / total * values[s][shared + d];
        }
    }

    private double[][] Clip(double[][] x) =>
        _config.Clip is { } clip ? [.. x.Select(row => row.Select(v => Math.Clamp(v, -clip, clip)).ToArray())] : x;

    /// <summary>Norms of queries or keys, their rotation, and what else is done to them.</summary>
    private double[][] Prepare(int layer, double[][] x, int heads, string which, int tokens)
    {
        var name = $"layers.{layer}.self_attn";
        var long_ = which == "q" ? "query" : "key";
        x = _config.Type switch
        {
            "lfm2" or "lfm2_moe" => HeadNorm(x, heads, _tensors[$"{name}.{which}_layernorm.weight"], root: true),
            "lfm3" or "qwen3" or "qwen3_moe" or "qwen3_5_text" or "qwen3_5_moe_text" or "qwen3_next" or "gemma3_text" or "exaone4"
                or "apertus" =>
                HeadNorm(x, heads, _tensors[$"{name}.{which}_norm.weight"], root: true),
            "glm4_moe" when _config.Flag("use_qk_norm", false) =>
                HeadNorm(x, heads, _tensors[$"{name}.{which}_norm.weight"], root: true),
            "olmo2" or "olmo3" or "olmoe" => Norm(x, $"{name}.{which}_norm", heads * _config.HeadSize),
            "cohere" when _config.Flag("use_qk_norm", false) =>
                HeadNorm(x, heads, _tensors[$"{name}.{which}_norm.weight"], root: false),
            "stablelm" when _config.Flag("qk_layernorm", false) => HeadNorm(
                x, heads,
                [.. Enumerable.Range(0, heads).SelectMany(head => _tensors[$"{name}.{which}_layernorm.norms.{head}.weight"])], root: false),
            _ => x,
        };
        x = Clip(x);
        if (_config.Rotates(layer))
            x = [.. x.Select((row, t) => _rotary.Rotate(row, heads, t, tokens, layer))];
        if (_config.Type == "hunyuan_v1_dense")
            x = HeadNorm(x, heads, _tensors[$"{name}.{long_}_layernorm.weight"], root: true);
        return which == "q" && _config.QueryBeta is var (beta, original)
            ? [.. x.Select((row, t) => row.Select(value => value * (1 + (beta * Math.Log(1 + Math.Floor(t / original))))).ToArray())] : x;
    }

    /// <summary>Each head by itself; the weights are those of one, or of all.</summary>
    private double[][] HeadNorm(double[][] x, int heads, float[] weights, bool root) => [.. x.Select(row =>
    {
        var size = _config.HeadSize;
        return Enumerable.Range(0, heads).SelectMany(head => Normalize(
            row[(head * size)..((head + 1) * size)], weights.AsSpan(head * size % weights.Length, size).ToArray(), null, root)).ToArray();
    })];

    private double[][] Mlp(string name, double[][] x)
    {
        var (width, hidden, mlp) = (_config.Intermediate, _config.Hidden, $"{name}.mlp");
        if (_mixture.IsIn(name))
            return [.. x.AsParallel().AsOrdered().Select(row => _mixture.Apply(name, row))];
        // Of a mixture there is nothing but what every token goes through.
        if (_config.Type == "granitemoehybrid")
            return [.. x.Select(row => _mixture.Shared(name, row)!)];
        switch (_config.Type)
        {
            case "lfm2" or "lfm2_moe" or "lfm3":
                var feed = $"{name}.feed_forward";
                var (opens, lifts) = (Apply(feed, Linear(x, $"{feed}.w1", width)), Linear(x, $"{feed}.w3", width));
                return Linear([.. opens.Zip(lifts, (gate, up) => gate.Zip(up, (a, b) => a * b).ToArray())], $"{feed}.w2", hidden);
            case "starcoder2":
                return Linear(Apply(mlp, Linear(x, $"{mlp}.c_fc", width)), $"{mlp}.c_proj", hidden);
            case "arcee" or "apertus" or "nemotron" or "jais2":
                return Linear(Apply(mlp, Linear(x, $"{mlp}.up_proj", width)), $"{mlp}.down_proj", hidden);
            case "phi3" or "glm" or "glm4":
                var both = Linear(x, $"{mlp}.gate_up_proj", 2 * width);
                var opened = Apply(mlp, [.. both.Select(row => row[..width])]);
                return Linear([.. opened.Zip(both, (gate, row) => gate.Zip(row[width..], (a, b) => a * b).ToArray())],
                    $"{mlp}.down_proj", hidden);
            default:
                var (gates, ups) = (Apply(mlp, Linear(x, $"{mlp}.gate_proj", width)), Linear(x, $"{mlp}.up_proj", width));
                return Linear([.. gates.Zip(ups, (gate, up) => gate.Zip(up, (a, b) => a * b).ToArray())], $"{mlp}.down_proj", hidden);
        }
    }

    private double[][] Apply(string mlp, double[][] x)
    {
        Func<double, double> function = _config.Activation switch
        {
            "silu" or "swish" => v => v / (1 + Math.Exp(-v)),
            "gelu_pytorch_tanh" or "gelu_new" or "gelu_fast" =>
                v => 0.5 * v * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (v + (0.044715 * v * v * v)))),
            "gelu" => v => 0.5 * v * (1 + Erf(v / Math.Sqrt(2))),
            "relu" => v => Math.Max(v, 0),
            "relu2" => v => Math.Max(v, 0) * Math.Max(v, 0),
            "xielu" => XIelu(mlp),
            var other => throw new NotSupportedException(other),
        };
        return [.. x.Select(row => row.Select(function).ToArray())];
    }

    private Func<double, double> XIelu(string mlp)
    {
        double Stored(string name) => _tensors[$"{mlp}.act_fn.{name}"][0];
        var (beta, epsilon) = (Stored("beta"), Stored("eps"));
        var (above, below) = (Math.Log(1 + Math.Exp(Stored("alpha_p"))), beta + Math.Log(1 + Math.Exp(Stored("alpha_n"))));
        return v => v > 0 ? (above * v * v) + (beta * v) : ((Math.Exp(Math.Min(v, epsilon)) - 1 - v) * below) + (beta * v);
    }

    /// <summary>The error function by its series, which converges everywhere.</summary>
    private static double Erf(double x)
    {
        if (Math.Abs(x) > 5)
            return Math.Sign(x);
        var (sum, term) = (x, x);
        for (var n = 1; n < 200; n++)
        {
            term *= -x * x / n;
            sum += term / ((2 * n) + 1);
        }

        return 2 / Math.Sqrt(Math.PI) * sum;
    }

    private double[][] Norm(double[][] x, string name, int width)
    {
        var weight = _tensors.GetValueOrDefault($"{name}.weight") ?? [.. Enumerable.Repeat(1f, width)];
        var bias = _tensors.GetValueOrDefault($"{name}.bias");
        return [.. x.Select(row => Normalize(row, weight, bias, !_config.IsLayerNorm))];
    }

    private double[] Normalize(double[] row, float[] weight, float[]? bias, bool root, double? epsilon = null)
    {
        var mean = root ? 0 : row.Average();
        var scale = 1 / Math.Sqrt(row.Average(value => (value - mean) * (value - mean)) + (epsilon ?? _config.Epsilon));
        return [.. row.Select((value, i) => ((value - mean) * scale * (weight[i] + _config.NormOffset)) + (bias?[i] ?? 0))];
    }

    private double[][] Linear(double[][] x, string name, int outputs)
    {
        var (weight, bias) = (_tensors[name + ".weight"], _tensors.GetValueOrDefault(name + ".bias"));
        var y = new double[x.Length][];
        Parallel.For(0, x.Length, t => y[t] = Multiply(x[t], weight, outputs, bias));
        return y;
    }

    private static double[] Multiply(double[] x, float[] weight, int outputs, float[]? bias)
    {
        var y = new double[outputs];
        for (var o = 0; o < outputs; o++)
        {
            y[o] = bias?[o] ?? 0;
            for (var i = 0; i < x.Length; i++)
                y[o] += weight[(o * x.Length) + i] * x[i];
        }

        return y;
    }

    private void Load(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var length = (int)BitConverter.ToInt64(bytes);
        using var header = JsonDocument.Parse(bytes.AsMemory(8, length));
        foreach (var tensor in header.RootElement.EnumerateObject().Where(property => property.Name != "__metadata__"))
        {
            var offsets = tensor.Value.GetProperty("data_offsets");
            var data = bytes.AsSpan(8 + length)[offsets[0].GetInt32()..offsets[1].GetInt32()];
            var prefix = Prefixes.FirstOrDefault(prefix => tensor.Name.StartsWith(prefix, StringComparison.Ordinal)) ?? "";
            _tensors[tensor.Name[prefix.Length..]] = tensor.Value.GetProperty("dtype").GetString() switch
            {
                "U8" => [.. data.ToArray().Select(value => (float)value)],
                "F32" => MemoryMarshal.Cast<byte, float>(data).ToArray(),
                "F16" => [.. MemoryMarshal.Cast<byte, Half>(data).ToArray().Select(value => (float)value)],
                _ => [.. MemoryMarshal.Cast<byte, ushort>(data).ToArray().Select(value => BitConverter.Int32BitsToSingle(value << 16))],
            };
        }
    }
}
