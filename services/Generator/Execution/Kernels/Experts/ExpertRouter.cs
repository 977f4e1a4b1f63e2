namespace Parley.Generator.Execution.Kernels.Experts;

/// <summary>A row's choice of experts and their weights, from the router's logits. Ties go to the lower index.</summary>
internal readonly unsafe struct ExpertRouter
{
    private readonly float* _correction;
    private readonly float* _scales;
    private readonly ExpertScoring _scoring;
    private readonly int _groups;
    private readonly int _groupsChosen;
    private readonly bool _sumsTwo;
    private readonly bool _normalize;
    private readonly float _epsilon;
    private readonly float _scale;

    /// <param name="settings">What the model has.</param>
    /// <param name="correction">Added to the scores for the choice only [experts]; null for nothing.</param>
    /// <param name="scales">Factor on the weight of each expert in the end [experts]; null for none.</param>
    public ExpertRouter(ExpertSettings settings, float* correction, float* scales = null)
    {
        _correction = correction;
        _scales = scales;
        (Experts, TopK, _scoring) = (settings.Experts, settings.TopK, settings.Scoring);
        (_groups, _groupsChosen, _sumsTwo) = (settings.Groups, settings.GroupsChosen, settings.GroupBest == 2);
        (_normalize, _epsilon, _scale) = (settings.Normalize, settings.NormalizeEpsilon, settings.Scale);
    }

    public int Experts { get; }

    public int TopK { get; }

    /// <summary>Chooses for one row.</summary>
    /// <param name="logits">The router's [experts].</param>
    /// <param name="chosen">Takes the experts in ascending order [top_k].</param>
    /// <param name="weights">Takes the weight of each [top_k].</param>
    /// <returns>Whether all weights are numbers; a row of which they are not has no choice.</returns>
    public bool Choose(float* logits, int* chosen, float* weights)
    {
        var experts = Experts;
        var scores = stackalloc float[experts];
        var ranks = stackalloc float[experts];
        if (!Score(logits, scores))
            return false;
        for (var i = 0; i < experts; i++)
        {
            ranks[i] = _correction is null ? scores[i] : scores[i] + _correction[i];
            if (float.IsNaN(ranks[i]))
                return false;
        }

        if (_groups > 1 && _groupsChosen < _groups)
            DropGroups(ranks);
        Select(ranks, experts, TopK, chosen);
        new Span<int>(chosen, TopK).Sort();
        return Weigh(scores, chosen, weights);
    }

    /// <summary>Logits to scores; false where one is NaN.</summary>
    private bool Score(float* logits, float* scores)
    {
        var experts = Experts;
        var largest = float.NegativeInfinity;
        for (var i = 0; i < experts; i++)
        {
            if (float.IsNaN(logits[i]))
                return false;
            largest = Math.Max(largest, logits[i]);
        }

        switch (_scoring)
        {
            case ExpertScoring.SoftmaxOfChosen:
                new ReadOnlySpan<float>(logits, experts).CopyTo(new Span<float>(scores, experts));
                break;
            case ExpertScoring.Sigmoid:
                for (var i = 0; i < experts; i++)
                    scores[i] = (float)(1 / (1 + Math.Exp(-logits[i])));
                break;
            default:
                Softmax(logits, scores, experts, largest);
                break;
        }

        return true;
    }

    private static void Softmax(float* logits, float* scores, int count, float largest)
    {
        var sum = 0.0;
        for (var i = 0; i < count; i++)
            sum += Math.Exp((double)logits[i] - largest);
        for (var i = 0; i < count; i++)
            scores[i] = (float)(Math.Exp((double)logits[i] - largest) / sum);
    }

    /// <summary>Keeps the groups whose two best ranks have the largest sums, or whose best ranks are the largest.</summary>
    private void DropGroups(float* ranks)
    {
        var (groups, size) = (_groups, Experts / _groups);
        var sums = stackalloc float[groups];
        var kept = stackalloc int[_groupsChosen];
        for (var group = 0; group < groups; group++)
        {
            var (best, second) = (float.NegativeInfinity, float.NegativeInfinity);
            for (var i = group * size; i < (group + 1) * size; i++)
            {
                second = Math.Max(second, Math.Min(best, ranks[i]));
                best = Math.Max(best, ranks[i]);
            }

            sums[group] = _sumsTwo ? best + second : best;
        }

        Select(sums, groups, _groupsChosen, kept);
        var all = new ReadOnlySpan<int>(kept, _groupsChosen);
        for (var group = 0; group < groups; group++)
        {
            if (!all.Contains(group))
                new Span<float>(ranks + (group * size), size).Fill(float.NegativeInfinity);
        }
    }

    /// <summary>The indices of the largest values, largest first.</summary>
    private static void Select(float* values, int count, int most, int* best)
    {
        var found = 0;
        for (var i = 0; i < count; i++)
        {
            if (found == most && !(values[i] > values[best[most - 1]]))
                continue;
            var place = found < most ? found++ : most - 1;
            for (; place > 0 && values[i] > values[best[place - 1]]; place--)
                best[place] = best[place - 1];
            best[place] = i;
        }
    }

    private bool Weigh(float* scores, int* chosen, float* weights)
    {
        var count = TopK;
        var (sum, largest) = (0.0, float.NegativeInfinity);
        for (var i = 0; i < count; i++)
        {
            weights[i] = scores[chosen[i]];
            largest = Math.Max(largest, weights[i]);
        }

        if (_scoring == ExpertScoring.SoftmaxOfChosen)
            Softmax(weights, weights, count, largest);
        for (var i = 0; i < count; i++)
            sum += weights[i];
        var finite = true;
        for (var i = 0; i < count; i++)
        {
            if (_normalize)
                weights[i] = (float)(weights[i] / (sum + _epsilon));
            weights[i] *= _scales is null ? _scale : _scale * _scales[chosen[i]];
            finite &= float.IsFinite(weights[i]);
        }

        return finite;
    }
}
