using Parley.Generator.Execution.Kernels.Experts;

namespace Parley.Generator.Tests.Execution.Kernels.Experts;

/// <summary>A mixture of experts in plain loops and double precision, written from the models' definitions.</summary>
internal static class ExpertsReference
{
    /// <summary>The weight of every expert for a row: 0 for those that are not chosen.</summary>
    public static double[] Route(ExpertSettings settings, float[] logits, float[]? correction)
    {
        var scores = settings.Scoring switch
        {
            ExpertScoring.SoftmaxOfAll => Softmax([.. logits.Select(x => (double)x)]),
            ExpertScoring.Sigmoid => [.. logits.Select(x => 1 / (1 + Math.Exp(-x)))],
            _ => logits.Select(x => (double)x).ToArray(),
        };
        // Choices are made among floats: what is equal there is a tie.
        double[] ranks = [.. scores.Select((score, i) => (double)((float)score + (correction is null ? 0 : correction[i])))];
        var size = settings.Experts / settings.Groups;
        var groups = Enumerable.Range(0, settings.Groups)
            .OrderByDescending(group => settings.Groups == 1
                ? 0
                : ranks[(group * size)..((group + 1) * size)].OrderDescending().Take(settings.GroupBest).Sum(rank => (float)rank))
            .Take(settings.GroupsChosen).ToHashSet();
        var chosen = Enumerable.Range(0, settings.Experts).Where(expert => groups.Contains(expert / size))
            .OrderByDescending(expert => ranks[expert]).Take(settings.TopK).ToArray();
        var weights = chosen.Select(expert => scores[expert]).ToArray();
        if (settings.Scoring == ExpertScoring.SoftmaxOfChosen)
            weights = Softmax(weights);
        var sum = settings.Normalize ? weights.Sum() + settings.NormalizeEpsilon : 1;
        var all = new double[settings.Experts];
        for (var i = 0; i < chosen.Length; i++)
            all[chosen[i]] = weights[i] / sum * settings.Scale;
        return all;
    }

    /// <summary>An expert's gate and up to what the second matrix is multiplied with.</summary>
    public static double Activate(ExpertSettings settings, double gate, double up)
    {
        if (!settings.Clamped)
            return gate / (1 + Math.Exp(-gate)) * up;
        gate = Math.Min(gate, settings.Limit);
        up = Math.Clamp(up, -settings.Limit, settings.Limit);
        return (up + 1) * gate / (1 + Math.Exp(-settings.Alpha * gate));
    }

    private static double[] Softmax(double[] values)
    {
        var powers = values.Select(x => Math.Exp(x - values.Max())).ToArray();
        return [.. powers.Select(power => power / powers.Sum())];
    }
}
