namespace Parley.TestSupport;

/// <summary>
/// Latent attention as transformers' classes define it, for <see cref="FamilyForward"/>: keys and values of every head are expanded, which
/// is what the engine never does.
/// </summary>
/// <param name="config">The configuration.</param>
/// <param name="rotary">Positions of what turns.</param>
/// <param name="linear">A linear by its name: rows, name, outputs.</param>
/// <param name="norm">A norm of the class's own by its name: rows, name.</param>
internal sealed class FamilyLatent(
    FamilyConfig config, FamilyRotary rotary, Func<double[][], string, int, double[][]> linear,
    Func<double[][], string, double[][]> norm)
{
    private readonly int _rank = config.Count(512, "kv_lora_rank");
    private readonly int _plain = config.Count(config.Type == "glm4_moe_lite" ? 192 : 128, "qk_nope_head_dim");
    private readonly int _value = config.Count(config.Type == "glm4_moe_lite" ? 256 : 128, "v_head_dim");

    private int Turning => config.HeadSize;

    private int QuerySize => _plain + Turning;

    private double Scale
    {
        get
        {
            var scale = 1 / Math.Sqrt(QuerySize);
            if (config.Rope is not { } rope || !rope.TryGetProperty("mscale_all_dim", out var weight) || weight.GetDouble() == 0)
                return scale;
            var factor = rope.GetProperty("factor").GetDouble();
            var magnitude = factor <= 1 ? 1 : (0.1 * weight.GetDouble() * Math.Log(factor)) + 1;
            return scale * magnitude * magnitude;
        }
    }

    /// <summary>What the heads give [tokens, heads · value].</summary>
    public double[][] Mix(string name, double[][] x, bool hasQueryRank)
    {
        var heads = config.Heads;
        var queries = hasQueryRank
            ? linear(norm(linear(x, $"{name}.q_a_proj", config.Count(1536, "q_lora_rank")), $"{name}.q_a_layernorm"), $"{name}.q_b_proj",
                heads * QuerySize)
            : linear(x, $"{name}.q_proj", heads * QuerySize);
        var down = linear(x, $"{name}.kv_a_proj_with_mqa", _rank + Turning);
        var expanded = linear(norm([.. down.Select(row => row[.._rank])], $"{name}.kv_a_layernorm"), $"{name}.kv_b_proj",
            heads * (_plain + _value));
        var keys = down.Select((row, t) => rotary.Rotate(row[_rank..], 1, t, x.Length, layer: 0)).ToArray();
        var turned = queries.Select((row, t) => rotary.Rotate(
            [.. Enumerable.Range(0, heads).SelectMany(head => row[((head * QuerySize) + _plain)..((head + 1) * QuerySize)])],
            heads, t, x.Length, layer: 0)).ToArray();
        var scale = Scale;
        return [.. Enumerable.Range(0, x.Length).AsParallel().AsOrdered().Select(t =>
        {
            var mixed = new double[heads * _value];
            for (var head = 0; head < heads; head++)
                Mix(head, t, mixed);
            return mixed;
        })];

        void Mix(int head, int t, double[] mixed)
        {
            var scores = new double[t + 1];
            for (var s = 0; s <= t; s++)
            {
                for (var d = 0; d < _plain; d++)
                    scores[s] += queries[t][(head * QuerySize) + d] * expanded[s][(head * (_plain + _value)) + d];
                for (var d = 0; d < Turning; d++)
                    scores[s] += turned[t][(head * Turning) + d] * keys[s][d];
                scores[s] *= scale;
            }

            var weights = scores.Select(score => Math.Exp(score - scores.Max())).ToArray();
            var total = weights.Sum();
            for (var d = 0; d < _value; d++)
            {
                for (var s = 0; s <= t; s++)
                    mixed[(head * _value) + d] += weights[s] / total * expanded[s][(head * (_plain + _value)) + _plain + d];
            }
        }
    }
}
