namespace Parley.TestSupport;

/// <summary>Mixtures of experts as transformers' classes compute them, family by family, for <see cref="FamilyForward"/>.</summary>
/// <param name="config">The configuration.</param>
/// <param name="tensors">All tensors; those of bytes as numbers.</param>
internal sealed class FamilyMixture(FamilyConfig config, IReadOnlyDictionary<string, float[]> tensors)
{
    private static readonly double[] Fp4 = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6];

    private bool IsGranite => config.Type is "granitemoe" or "granitemoeshared" or "granitemoehybrid";

    private bool IsSigmoid => config.Type is "glm4_moe" or "glm4_moe_lite" or "deepseek_v3" or "lfm2_moe";

    private int Experts => config.Count(8, "num_experts", "num_local_experts", "n_routed_experts");

    private int Chosen => config.Count(2, "num_experts_per_tok");

    private int Width => config.Count(config.Intermediate, "moe_intermediate_size");

    /// <summary>Whether a layer has one.</summary>
    public bool IsIn(string layer) => tensors.ContainsKey(Router(layer));

    /// <summary>What a layer makes of a row.</summary>
    public double[] Apply(string layer, double[] x)
    {
        var logits = Multiply(x, tensors[Router(layer)], tensors.GetValueOrDefault($"{layer}.mlp.router.bias"));
        var sum = new double[config.Hidden];
        foreach (var (expert, weight) in Choose(layer, logits))
        {
            var part = Expert(layer, expert, x);
            for (var i = 0; i < sum.Length; i++)
                sum[i] += weight * part[i];
        }

        if (Shared(layer, x) is { } shared)
            sum = [.. sum.Zip(shared, (a, b) => a + b)];
        return sum;
    }

    private string Router(string layer) => layer + config.Type switch
    {
        "mixtral" => ".block_sparse_moe.gate.weight",
        "granitemoe" or "granitemoeshared" or "granitemoehybrid" => ".block_sparse_moe.router.layer.weight",
        "gpt_oss" => ".mlp.router.weight",
        "lfm2_moe" => ".feed_forward.gate.weight",
        _ => ".mlp.gate.weight",
    };

    private List<(int Expert, double Weight)> Choose(string layer, double[] logits)
    {
        if (config.Type == "gpt_oss" || IsGranite)
        {
            var best = Best(logits, Chosen);
            var parts = Softmax([.. best.Select(expert => logits[expert])]);
            return [.. best.Zip(parts)];
        }

        var scores = IsSigmoid ? [.. logits.Select(logit => 1 / (1 + Math.Exp(-logit)))] : Softmax(logits);
        int[] chosen;
        if (IsSigmoid && config.Type != "lfm2_moe")
        {
            var corrected = scores.Zip(tensors[$"{layer}.mlp.gate.e_score_correction_bias"], (score, more) => score + more).ToArray();
            var (groups, size) = (config.Count(1, "n_group"), Experts / config.Count(1, "n_group"));
            var groupScores = Enumerable.Range(0, groups)
                .Select(group => corrected.Skip(group * size).Take(size).OrderDescending().Take(2).Sum()).ToArray();
            var kept = Best(groupScores, config.Count(1, "topk_group"));
            chosen = Best([.. corrected.Select((score, i) => kept.Contains(i / size) ? score : double.NegativeInfinity)], Chosen);
        }
        else if (config.Find("topk_method")?.GetString() == "group_limited_greedy")
        {
            var size = Experts / config.Count(1, "n_group");
            var bestOfGroups = Enumerable.Range(0, Experts / size).Select(group => scores.Skip(group * size).Take(size).Max()).ToArray();
            var kept = Best(bestOfGroups, config.Count(1, "topk_group"));
            chosen = Best([.. scores.Select((score, i) => kept.Contains(i / size) ? score : 0)], Chosen);
        }
        else if (tensors.TryGetValue($"{layer}.feed_forward.expert_bias", out var correction))
            chosen = Best([.. scores.Zip(correction, (score, more) => score + more)], Chosen);
        else
            chosen = Best(scores, Chosen);
        var normalizes = config.Type is "mixtral" or "qwen3_5_moe_text"
            || (config.Type != "deepseek_v2" && config.IsTrue("norm_topk_prob", IsSigmoid || config.Type == "qwen3_next"));
        var total = normalizes ? chosen.Sum(expert => scores[expert]) : 1;
        var factor = IsSigmoid || config.Type == "deepseek_v2" ? config.Number("routed_scaling_factor", 1) : 1;
        return [.. chosen.Select(expert => (expert, scores[expert] / total * factor))];
    }

    private static int[] Best(double[] scores, int count) =>
        [.. Enumerable.Range(0, scores.Length).OrderByDescending(i => scores[i]).ThenBy(i => i).Take(count)];

    private static double[] Softmax(double[] logits)
    {
        var weights = logits.Select(logit => Math.Exp(logit - logits.Max())).ToArray();
        return [.. weights.Select(weight => weight / weights.Sum())];
    }

    private double[] Expert(string layer, int expert, double[] x)
    {
        var module = config.Type == "mixtral" || IsGranite ? ".block_sparse_moe" : config.Type == "lfm2_moe" ? ".feed_forward" : ".mlp";
        var (experts, width, hidden) = (layer + module + ".experts", Width, config.Hidden);
        double[] gate, up;
        if (config.Type == "gpt_oss")
        {
            var both = GptOss($"{experts}.gate_up_proj", expert, 2 * width, x)
                ?? Interleave(Named(experts, expert, "gate_proj", x), Named(experts, expert, "up_proj", x));
            var (alpha, limit) = (config.Number("swiglu_alpha", 1.702), config.Number("swiglu_limit", 7));
            gate = [.. Enumerable.Range(0, width).Select(i => Math.Min(both[2 * i], limit))];
            up = [.. Enumerable.Range(0, width).Select(i => Math.Clamp(both[(2 * i) + 1], -limit, limit))];
            double[] mixed = [.. gate.Zip(up, (g, u) => (u + 1) * g / (1 + Math.Exp(-alpha * g)))];
            return GptOss($"{experts}.down_proj", expert, hidden, mixed) ?? Named(experts, expert, "down_proj", mixed);
        }

        if (tensors.TryGetValue($"{layer}.block_sparse_moe.input_linear.weight", out var stack))
        {
            var both = Multiply(x, stack.AsSpan(expert * 2 * width * hidden, 2 * width * hidden), null);
            var down = tensors[$"{layer}.block_sparse_moe.output_linear.weight"].AsSpan(expert * width * hidden, width * hidden);
            return Multiply(Gate(both[..width], both[width..]), down, null);
        }

        var names = config.Type is "mixtral" or "lfm2_moe" ? ("w1", "w3", "w2") : ("gate_proj", "up_proj", "down_proj");
        return Named(experts, expert, names.Item3, Gate(Named(experts, expert, names.Item1, x), Named(experts, expert, names.Item2, x)));
    }

    private double[] Named(string experts, int expert, string name, double[] x) => Multiply(
        x, tensors[$"{experts}.{expert}.{name}.weight"], tensors.GetValueOrDefault($"{experts}.{expert}.{name}.bias"));

    private static double[] Interleave(double[] one, double[] other) =>
        [.. one.Zip(other).SelectMany(pair => new[] { pair.First, pair.Second })];

    /// <summary>From codes and exponents; null where the checkpoint has none.</summary>
    private double[]? GptOss(string name, int expert, int outputs, double[] x)
    {
        if (!tensors.TryGetValue($"{name}_blocks", out var blocks))
            return null;
        var (groups, y) = (x.Length / 32, new double[outputs]);
        for (var o = 0; o < outputs; o++)
        {
            var row = (expert * outputs) + o;
            y[o] = tensors[$"{name}_bias"][row];
            for (var i = 0; i < x.Length; i++)
            {
                var pair = (int)blocks[(((row * groups) + (i / 32)) * 16) + (i % 32 / 2)];
                var scale = Math.Pow(2, tensors[$"{name}_scales"][(row * groups) + (i / 32)] - 127);
                y[o] += Fp4[i % 2 == 0 ? pair & 15 : pair >> 4] * scale * x[i];
            }
        }

        return y;
    }

    /// <summary>The MLP that every token goes through; null for none.</summary>
    public double[]? Shared(string layer, double[] x)
    {
        if (tensors.TryGetValue($"{layer}.shared_mlp.input_linear.weight", out var packed))
        {
            var both = Multiply(x, packed, null);
            var gated = Gate(both[..(both.Length / 2)], both[(both.Length / 2)..]);
            return Multiply(gated, tensors[$"{layer}.shared_mlp.output_linear.weight"], null);
        }

        // Qwen has one, with a gate.
        var name = $"{layer}.mlp.shared_expert{(tensors.ContainsKey($"{layer}.mlp.shared_expert_gate.weight") ? "" : "s")}";
        if (!tensors.ContainsKey($"{name}.gate_proj.weight"))
            return null;
        var shared = Part("down_proj", Gate(Part("gate_proj", x), Part("up_proj", x)));
        if (tensors.TryGetValue($"{layer}.mlp.shared_expert_gate.weight", out var gate))
            shared = [.. shared.Select(value => value / (1 + Math.Exp(-Multiply(x, gate, null)[0])))];
        return shared;

        double[] Part(string part, double[] row) =>
            Multiply(row, tensors[$"{name}.{part}.weight"], tensors.GetValueOrDefault($"{name}.{part}.bias"));
    }

    private static double[] Gate(double[] gate, double[] up) => [.. gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)];

    private static double[] Multiply(double[] x, ReadOnlySpan<float> weight, float[]? bias)
    {
        var y = new double[weight.Length / x.Length];
        for (var o = 0; o < y.Length; o++)
        {
            y[o] = bias?[o] ?? 0;
            for (var i = 0; i < x.Length; i++)
                y[o] += weight[(o * x.Length) + i] * x[i];
        }

        return y;
    }
}
