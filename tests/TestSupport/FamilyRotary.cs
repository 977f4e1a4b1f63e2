using System.Text.Json;

namespace Parley.TestSupport;

/// <summary>Rotations as transformers' classes compute them, family by family, for <see cref="FamilyForward"/>.</summary>
internal sealed class FamilyRotary(FamilyConfig config)
{
    /// <summary>Rotates every head of a row.</summary>
    /// <param name="row">Heads side by side.</param>
    /// <param name="heads">Their number.</param>
    /// <param name="position">Where the row stands.</param>
    /// <param name="length">Positions of the whole sequence.</param>
    /// <param name="layer">The layer.</param>
    public double[] Rotate(double[] row, int heads, int position, int length, int layer)
    {
        var (frequencies, factor) = Frequencies(length, layer);
        var rotated = row.ToArray();
        var neighbours = config.Type is "cohere" or "cohere2" or "glm" or "glm4" or "ernie4_5" or "helium" or "deepseek_v2"
            || (config.IsLatent && config.IsTrue("rope_interleave", true));
        for (var head = 0; head < heads; head++)
        {
            for (var i = 0; i < frequencies.Length; i++)
            {
                // The angle is rounded to fp32, as there.
                var angle = (float)position * (float)frequencies[i];
                var (sin, cos) = (Math.Sin(angle) * factor, Math.Cos(angle) * factor);
                var first = (head * config.HeadSize) + (neighbours ? 2 * i : i);
                var second = first + (neighbours ? 1 : frequencies.Length);
                rotated[first] = (row[first] * cos) - (row[second] * sin);
                rotated[second] = (row[second] * cos) + (row[first] * sin);
            }
        }

        return rotated;
    }

    private double DefaultTheta => config.Type switch
    {
        "gemma3_text" or "mixtral" or "lfm2" or "lfm2_moe" or "lfm3" => 1e6,
        "gpt_oss" => 150_000,
        "smollm3" => 2e6,
        "olmo3" or "cohere" or "ernie4_5" => 5e5,
        "apertus" => 12e6,
        "helium" => 1e5,
        _ => 1e4,
    };

    private (double[] Frequencies, double Factor) Frequencies(int length, int layer)
    {
        var slides = config.Slides(layer);
        var rope = config.Rope ?? default;
        var theta = config.Number("rope_theta", DefaultTheta);
        if (config.Type is "gemma3_text" or "olmo3" or "lfm3")
        {
            var byType = rope.ValueKind == JsonValueKind.Object && rope.TryGetProperty("full_attention", out _);
            if (slides)
                theta = config.Type == "lfm3" ? 1e4 : config.Type == "gemma3_text" ? config.Number("rope_local_base_freq", 1e4) : 5e5;
            rope = byType ? rope.GetProperty(slides ? "sliding_attention" : "full_attention") : slides ? default : rope;
        }

        var nested = rope.ValueKind == JsonValueKind.Object;
        double? Get(string name) => nested && rope.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number
            ? value.GetDouble() : null;
        theta = config.LayerBase(layer) ?? Get("rope_theta") ?? theta;
        var type = !nested ? "default" : rope.TryGetProperty("rope_type", out var name) ? name.GetString()!
            : rope.TryGetProperty("type", out name) ? name.GetString()! : "default";
        var part = config.Type switch
        {
            "glm" or "glm4" or "glm4_moe" or "nemotron" => Get("partial_rotary_factor") ?? config.Number("partial_rotary_factor", 0.5),
            "stablelm" or "qwen3_5_text" or "qwen3_5_moe_text" or "qwen3_next" =>
                Get("partial_rotary_factor") ?? config.Number("partial_rotary_factor", 0.25),
            "phi3" => Get("partial_rotary_factor") ?? config.Number("partial_rotary_factor", 1),
            _ => 1,
        };
        var dimensions = (int)(config.HeadSize * part);
        if (type == "dynamic")
            theta = Stretch(theta, dimensions, Get("alpha"), Get("factor") ?? 1, length);
        var plain = Enumerable.Range(0, dimensions / 2).Select(i => Math.Pow(theta, -2.0 * i / dimensions)).ToArray();
        var truncates = !nested || !rope.TryGetProperty("truncate", out var cut) || cut.GetBoolean();
        return type switch
        {
            "proportional" => (Turning(plain, Get("partial_rotary_factor") ?? 1), 1),
            "default" when config.Type == "lfm3" && !nested && !slides => (Turning(plain, 0.5), 1),
            "default" or "dynamic" => (plain, 1),
            "linear" => ([.. plain.Select(frequency => frequency / Get("factor")!.Value)], 1),
            "llama3" => ([.. plain.Select(frequency => Llama3(frequency, Get))], 1),
            "yarn" when config.Type != "phi3" => Yarn(plain, dimensions, theta, Get, truncates),
            _ => LongRope(plain, rope, Get, length),
        };
    }

    /// <summary>The first part of the pairs turns.</summary>
    private static double[] Turning(double[] plain, double part) =>
        [.. plain.Select((frequency, i) => i < (int)(part * plain.Length) ? frequency : 0)];

    private double Stretch(double theta, int dimensions, double? alpha, double factor, int length)
    {
        var exponent = dimensions / (dimensions - 2.0);
        return config.Type == "hunyuan_v1_dense" && alpha is { } given ? theta * Math.Pow(given, exponent)
            : theta * Math.Pow((factor * Math.Max(length, config.Context) / config.Context) - (factor - 1), exponent);
    }

    private static double Llama3(double frequency, Func<string, double?> get)
    {
        var turns = get("original_max_position_embeddings")!.Value * frequency / (2 * Math.PI);
        var (low, high) = (get("low_freq_factor")!.Value, get("high_freq_factor")!.Value);
        var kept = Math.Clamp((turns - low) / (high - low), 0, 1);
        return (frequency * kept) + (frequency / get("factor")!.Value * (1 - kept));
    }

    private static (double[] Frequencies, double Factor) Yarn(
        double[] plain, int dimensions, double theta, Func<string, double?> get, bool truncates)
    {
        var (factor, original) = (get("factor")!.Value, get("original_max_position_embeddings")!.Value);
        double Scale(double weight) => factor <= 1 ? 1 : (0.1 * weight * Math.Log(factor)) + 1;
        double Pair(double turns) => dimensions * Math.Log(original / (turns * 2 * Math.PI)) / (2 * Math.Log(theta));
        var attention = get("attention_factor")
            ?? (get("mscale") is { } one && one != 0 && get("mscale_all_dim") is { } all && all != 0 ? Scale(one) / Scale(all) : Scale(1));
        var (low, high) = (Pair(get("beta_fast") ?? 32), Pair(get("beta_slow") ?? 1));
        if (truncates)
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, dimensions - 1));
        if (low == high)
            high += 0.001;
        return ([.. plain.Select((frequency, i) =>
        {
            var divided = Math.Clamp((i - low) / (high - low), 0, 1);
            return (frequency / factor * divided) + (frequency * (1 - divided));
        })], attention);
    }

    private (double[] Frequencies, double Factor) LongRope(double[] plain, JsonElement rope, Func<string, double?> get, int length)
    {
        var original = config.Type == "phi3" ? config.Number("original_max_position_embeddings", 4096)
            : get("original_max_position_embeddings")!.Value;
        var factor = get("factor") ?? config.Context / original;
        var attention = get("attention_factor") ?? (factor <= 1 ? 1 : Math.Sqrt(1 + (Math.Log(factor) / Math.Log(original))));
        var factors = rope.GetProperty(length > original ? "long_factor" : "short_factor");
        return ([.. plain.Select((frequency, i) => frequency / factors[i].GetDouble())], attention);
    }
}
