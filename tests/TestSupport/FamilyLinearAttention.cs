namespace Parley.TestSupport;

/// <summary>
/// Gated delta rules and Mamba-2 as transformers' classes define them, a position at a time, for <see cref="FamilyForward"/>.
/// </summary>
/// <param name="config">The configuration.</param>
/// <param name="tensors">All tensors.</param>
internal sealed class FamilyLinearAttention(FamilyConfig config, IReadOnlyDictionary<string, float[]> tensors)
{
    /// <summary>Whether a layer has one of them.</summary>
    public bool IsIn(string layer) => tensors.ContainsKey($"{layer}.linear_attn.A_log") || tensors.ContainsKey($"{layer}.mamba.A_log");

    /// <summary>What a layer makes of a sequence.</summary>
    public double[][] Apply(string layer, double[][] x) =>
        tensors.ContainsKey($"{layer}.mamba.A_log") ? Mamba($"{layer}.mamba", x) : Delta($"{layer}.linear_attn", x);

    private double[][] Delta(string name, double[][] x)
    {
        var (keyHeads, heads) = (config.Count(16, "linear_num_key_heads"), config.Count(32, "linear_num_value_heads"));
        var (keySize, size) = (config.Count(128, "linear_key_head_dim"), config.Count(128, "linear_value_head_dim"));
        var (mixed, gates, strengths, times) = DeltaInputs(name, x, keyHeads, heads, keySize, size);
        mixed = Convolve($"{name}.conv1d", mixed);
        var states = Enumerable.Range(0, heads).Select(_ => new double[keySize, size]).ToArray();
        var y = new double[x.Length][];
        for (var t = 0; t < x.Length; t++)
        {
            y[t] = new double[heads * size];
            for (var head = 0; head < heads; head++)
            {
                var keyHead = head / (heads / keyHeads) * keySize;
                var query = Unit(mixed[t][keyHead..(keyHead + keySize)]);
                keyHead += keyHeads * keySize;
                var key = Unit(mixed[t][keyHead..(keyHead + keySize)]);
                var value = mixed[t].AsSpan((2 * keyHeads * keySize) + (head * size), size);
                var decay = Math.Exp(-Math.Exp(tensors[$"{name}.A_log"][head])
                    * SoftPlus(times[t][head] + tensors[$"{name}.dt_bias"][head]));
                var result = y[t].AsSpan(head * size, size);
                Correct(states[head], query, key, value, decay, Sigmoid(strengths[t][head]), result);
                Normalize(result, tensors[$"{name}.norm.weight"]);
                for (var i = 0; i < size; i++)
                    result[i] *= Silu(gates[t][(head * size) + i]);
            }
        }

        return Linear(y, $"{name}.out_proj");
    }

    private static void Correct(
        double[,] state, double[] query, double[] key, Span<double> value, double decay, double strength, Span<double> result)
    {
        var (rows, columns) = (state.GetLength(0), state.GetLength(1));
        for (var j = 0; j < columns; j++)
        {
            var learned = 0.0;
            for (var i = 0; i < rows; i++)
                learned += (state[i, j] *= decay) * key[i];
            for (var i = 0; i < rows; i++)
            {
                state[i, j] += key[i] * (value[j] - learned) * strength;
                result[j] += state[i, j] * query[i] / Math.Sqrt(rows);
            }
        }
    }

    /// <summary>
    /// Queries, keys and values; gates; strengths; times: from linears of their own, or from two whose rows take turns by key head.
    /// </summary>
    private (double[][] Mixed, double[][] Gates, double[][] Strengths, double[][] Times) DeltaInputs(
        string name, double[][] x, int keyHeads, int heads, int keySize, int size)
    {
        if (tensors.ContainsKey($"{name}.in_proj_qkv.weight"))
        {
            return (Linear(x, $"{name}.in_proj_qkv"), Linear(x, $"{name}.in_proj_z"), Linear(x, $"{name}.in_proj_b"),
                Linear(x, $"{name}.in_proj_a"));
        }

        var (all, factors, each) = (Linear(x, $"{name}.in_proj_qkvz"), Linear(x, $"{name}.in_proj_ba"), heads / keyHeads);
        var turn = (2 * keySize) + (2 * each * size);
        double[][] Gather(double[][] rows, int turn, int first, int count) => [.. rows.Select(row =>
            Enumerable.Range(0, keyHeads).SelectMany(head => row.Skip((head * turn) + first).Take(count)).ToArray())];
        var (queries, keys) = (Gather(all, turn, 0, keySize), Gather(all, turn, keySize, keySize));
        var values = Gather(all, turn, 2 * keySize, each * size);
        return (
            [.. queries.Select((row, t) => row.Concat(keys[t]).Concat(values[t]).ToArray())],
            Gather(all, turn, (2 * keySize) + (each * size), each * size),
            Gather(factors, 2 * each, 0, each), Gather(factors, 2 * each, each, each));
    }

    private double[][] Mamba(string name, double[][] x)
    {
        var (heads, groups) = (config.Count(128, "mamba_n_heads"), config.Count(1, "mamba_n_groups"));
        var (width, inner) = (config.Count(256, "mamba_d_state"), config.Count(2, "mamba_expand") * config.Hidden);
        var size = inner / heads;
        var all = Linear(x, $"{name}.in_proj");
        var mixed = Convolve($"{name}.conv1d", [.. all.Select(row => row[inner..^heads])]);
        var states = new double[heads, size, width];
        var y = new double[x.Length][];
        for (var t = 0; t < x.Length; t++)
        {
            y[t] = new double[inner];
            for (var head = 0; head < heads; head++)
            {
                var group = inner + (head / (heads / groups) * width);
                var time = SoftPlus(all[t][^(heads - head)] + tensors[$"{name}.dt_bias"][head]);
                var decay = Math.Exp(-Math.Exp(tensors[$"{name}.A_log"][head]) * time);
                for (var p = 0; p < size; p++)
                {
                    var value = mixed[t][(head * size) + p];
                    y[t][(head * size) + p] = tensors[$"{name}.D"][head] * value;
                    for (var n = 0; n < width; n++)
                    {
                        states[head, p, n] = (states[head, p, n] * decay) + (time * value * mixed[t][group + n]);
                        y[t][(head * size) + p] += states[head, p, n] * mixed[t][group + (groups * width) + n];
                    }
                }
            }

            for (var i = 0; i < inner; i++)
                y[t][i] *= Silu(all[t][i]);
            for (var group = 0; group < groups; group++)
            {
                var part = inner / groups;
                Normalize(y[t].AsSpan(group * part, part), tensors[$"{name}.norm.weight"].AsSpan(group * part, part));
            }
        }

        return Linear(y, $"{name}.out_proj");
    }

    private double[][] Convolve(string name, double[][] x)
    {
        var (weight, bias, channels) = (tensors[$"{name}.weight"], tensors.GetValueOrDefault($"{name}.bias"), x[0].Length);
        var width = weight.Length / channels;
        return [.. x.Select((_, t) => Enumerable.Range(0, channels).Select(channel =>
        {
            var sum = (double)(bias?[channel] ?? 0);
            for (var i = 0; i < width && t - i >= 0; i++)
                sum += weight[(channel * width) + width - 1 - i] * x[t - i][channel];
            return Silu(sum);
        }).ToArray())];
    }

    private void Normalize(Span<double> row, ReadOnlySpan<float> weight)
    {
        var squares = 0.0;
        foreach (var value in row)
            squares += value * value;
        for (var i = 0; i < row.Length; i++)
            row[i] *= weight[i] / Math.Sqrt((squares / row.Length) + config.Epsilon);
    }

    private double[][] Linear(double[][] x, string name)
    {
        var (weight, bias) = (tensors[$"{name}.weight"], tensors.GetValueOrDefault($"{name}.bias"));
        return [.. x.AsParallel().AsOrdered().Select(row => Enumerable.Range(0, weight.Length / row.Length).Select(output =>
        {
            var sum = (double)(bias?[output] ?? 0);
            for (var i = 0; i < row.Length; i++)
                sum += weight[(output * row.Length) + i] * row[i];
            return sum;
        }).ToArray())];
    }

    private static double[] Unit(double[] vector)
    {
        var length = Math.Sqrt(vector.Sum(value => value * value) + 1e-6);
        return [.. vector.Select(value => value / length)];
    }

    private static double SoftPlus(double x) => x > 20 ? x : Math.Log(1 + Math.Exp(x));

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static double Silu(double x) => x * Sigmoid(x);
}
