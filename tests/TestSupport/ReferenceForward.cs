using System.Runtime.InteropServices;
using System.Text.Json;

namespace Parley.TestSupport;

/// <summary>
/// A plain forward pass of <c>LlamaForCausalLM</c> over one sequence, written to be obviously right: fp32 values, sums in double, no
/// cache, nothing fused.
/// It reads a Hugging Face folder by itself, so that it shares no code with what it checks.
/// </summary>
public sealed class ReferenceForward
{
    private readonly Dictionary<string, float[]> _tensors = new(StringComparer.Ordinal);
    private readonly JsonElement _config;
    private readonly int _hidden;
    private readonly int _heads;
    private readonly int _keyValueHeads;
    private readonly int _headSize;
    private readonly double _epsilon;
    private readonly double[] _frequencies;

    /// <param name="folder">A folder with config.json and model.safetensors (F32, F16 or BF16), or shards of it.</param>
    public ReferenceForward(string folder)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "config.json")));
        _config = document.RootElement.Clone();
        _hidden = Int("hidden_size");
        _heads = Int("num_attention_heads");
        _keyValueHeads = _config.TryGetProperty("num_key_value_heads", out var kv) ? kv.GetInt32() : _heads;
        _headSize = _config.TryGetProperty("head_dim", out var size) ? size.GetInt32() : _hidden / _heads;
        _epsilon = _config.GetProperty("rms_norm_eps").GetDouble();
        VocabularySize = Int("vocab_size");
        _frequencies = Frequencies();
        foreach (var path in Directory.GetFiles(folder, "*.safetensors"))
            Load(path);
    }

    public int VocabularySize { get; }

    /// <summary>Logits of every position.</summary>
    /// <param name="ids">The sequence.</param>
    /// <returns>[position][vocabulary].</returns>
    public float[][] Logits(ReadOnlySpan<int> ids)
    {
        var embedding = _tensors["model.embed_tokens.weight"];
        var x = new float[ids.Length][];
        for (var t = 0; t < ids.Length; t++)
            x[t] = embedding.AsSpan(ids[t] * _hidden, _hidden).ToArray();
        for (var layer = 0; layer < Int("num_hidden_layers"); layer++)
        {
            var name = $"model.layers.{layer}";
            Add(x, Attention(name, Norm(x, $"{name}.input_layernorm.weight")));
            Add(x, Mlp(name, Norm(x, $"{name}.post_attention_layernorm.weight")));
        }

        var tied = _config.TryGetProperty("tie_word_embeddings", out var value) && value.GetBoolean();
        return Linear(Norm(x, "model.norm.weight"), tied ? "model.embed_tokens" : "lm_head", VocabularySize);
    }

    /// <summary>The most likely continuation; the smaller id wins a tie.</summary>
    public List<int> Greedy(IReadOnlyList<int> prompt, int count, params IReadOnlyCollection<int> stops)
    {
        var ids = prompt.ToList();
        while (ids.Count < prompt.Count + count)
        {
            var logits = Logits(CollectionsMarshal.AsSpan(ids))[^1];
            ids.Add(Array.IndexOf(logits, logits.Max()));
            if (stops.Contains(ids[^1]))
                break;
        }

        return ids[prompt.Count..];
    }

    private float[][] Attention(string name, float[][] x)
    {
        var queries = Rotate(Linear(x, $"{name}.self_attn.q_proj", _heads * _headSize), _heads);
        var keys = Rotate(Linear(x, $"{name}.self_attn.k_proj", _keyValueHeads * _headSize), _keyValueHeads);
        var values = Linear(x, $"{name}.self_attn.v_proj", _keyValueHeads * _headSize);
        var mixed = new float[x.Length][];
        for (var t = 0; t < x.Length; t++)
        {
            mixed[t] = new float[_heads * _headSize];
            for (var head = 0; head < _heads; head++)
            {
                var shared = head / (_heads / _keyValueHeads) * _headSize;
                var scores = new double[t + 1];
                for (var s = 0; s <= t; s++)
                {
                    for (var d = 0; d < _headSize; d++)
                        scores[s] += (double)queries[t][(head * _headSize) + d] * keys[s][shared + d];
                    scores[s] /= Math.Sqrt(_headSize);
                }

                var largest = scores.Max();
                var weights = scores.Select(score => Math.Exp(score - largest)).ToArray();
                var total = weights.Sum();
                for (var d = 0; d < _headSize; d++)
                {
                    var sum = 0.0;
                    for (var s = 0; s <= t; s++)
                        sum += weights[s] / total * values[s][shared + d];
                    mixed[t][(head * _headSize) + d] = (float)sum;
                }
            }
        }

        return Linear(mixed, $"{name}.self_attn.o_proj", _hidden);
    }

    private float[][] Mlp(string name, float[][] x)
    {
        var width = Int("intermediate_size");
        var gate = Linear(x, $"{name}.mlp.gate_proj", width);
        var up = Linear(x, $"{name}.mlp.up_proj", width);
        for (var t = 0; t < x.Length; t++)
        {
            for (var i = 0; i < width; i++)
                up[t][i] *= (float)(gate[t][i] / (1 + Math.Exp(-(double)gate[t][i])));
        }

        return Linear(up, $"{name}.mlp.down_proj", _hidden);
    }

    private float[][] Norm(float[][] x, string name)
    {
        var weight = _tensors[name];
        return [.. x.Select(row =>
        {
            var scale = 1 / Math.Sqrt(row.Sum(value => (double)value * value / row.Length) + _epsilon);
            return row.Select((value, i) => (float)(value * scale * weight[i])).ToArray();
        })];
    }

    private float[][] Linear(float[][] x, string name, int outputs)
    {
        var weight = _tensors[name + ".weight"];
        var bias = _tensors.GetValueOrDefault(name + ".bias");
        var y = new float[x.Length][];
        Parallel.For(0, x.Length, t =>
        {
            y[t] = new float[outputs];
            for (var o = 0; o < outputs; o++)
            {
                var sum = (double)(bias?[o] ?? 0);
                var row = weight.AsSpan(o * x[t].Length, x[t].Length);
                for (var i = 0; i < row.Length; i++)
                    sum += (double)row[i] * x[t][i];
                y[t][o] = (float)sum;
            }
        });
        return y;
    }

    /// <summary>Rotates each pair (i, i + half) of each head by position · frequency.</summary>
    private float[][] Rotate(float[][] x, int heads)
    {
        var half = _headSize / 2;
        for (var t = 0; t < x.Length; t++)
        {
            for (var head = 0; head < heads; head++)
            {
                for (var i = 0; i < half; i++)
                {
                    var (sin, cos) = Math.SinCos(t * _frequencies[i]);
                    var (a, b) = (x[t][(head * _headSize) + i], x[t][(head * _headSize) + half + i]);
                    x[t][(head * _headSize) + i] = (float)((a * cos) - (b * sin));
                    x[t][(head * _headSize) + half + i] = (float)((b * cos) + (a * sin));
                }
            }
        }

        return x;
    }

    private double[] Frequencies()
    {
        var scaling = _config.TryGetProperty("rope_parameters", out var rope)
            || _config.TryGetProperty("rope_scaling", out rope) ? rope : default;
        var nested = scaling.ValueKind == JsonValueKind.Object;
        var theta = nested && scaling.TryGetProperty("rope_theta", out var inner) ? inner.GetDouble()
            : _config.GetProperty("rope_theta").GetDouble();
        var plain = Enumerable.Range(0, _headSize / 2).Select(i => 1 / Math.Pow(theta, 2.0 * i / _headSize));
        var type = nested ? (scaling.TryGetProperty("rope_type", out var name) ? name : scaling.GetProperty("type")).GetString()
            : "default";
        if (type == "default")
            return [.. plain];
        var factor = scaling.GetProperty("factor").GetDouble();
        if (type == "linear")
            return [.. plain.Select(frequency => frequency / factor)];
        var context = scaling.GetProperty("original_max_position_embeddings").GetDouble();
        var (low, high) = (scaling.GetProperty("low_freq_factor").GetDouble(), scaling.GetProperty("high_freq_factor").GetDouble());
        return [.. plain.Select(frequency =>
        {
            // Turns that a pair makes over the original context: many are kept, few are slowed down, a ramp between.
            var turns = context * frequency / (2 * Math.PI);
            var kept = Math.Clamp((turns - low) / (high - low), 0, 1);
            return (frequency * kept) + (frequency / factor * (1 - kept));
        })];
    }

    private int Int(string field) => _config.GetProperty(field).GetInt32();

    private static void Add(float[][] x, float[][] update)
    {
        for (var t = 0; t < x.Length; t++)
        {
            for (var i = 0; i < x[t].Length; i++)
                x[t][i] += update[t][i];
        }
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
            _tensors[tensor.Name] = tensor.Value.GetProperty("dtype").GetString() switch
            {
                "F32" => MemoryMarshal.Cast<byte, float>(data).ToArray(),
                "F16" => [.. MemoryMarshal.Cast<byte, Half>(data).ToArray().Select(value => (float)value)],
                _ => [.. MemoryMarshal.Cast<byte, ushort>(data).ToArray().Select(value => BitConverter.Int32BitsToSingle(value << 16))],
            };
        }
    }
}
