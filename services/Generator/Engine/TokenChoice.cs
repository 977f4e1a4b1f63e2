using Parley.Generator.Execution;
using Parley.Generator.Sampling;
using Parley.Generator.Sequences;

namespace Parley.Generator.Engine;

/// <summary>
/// Chooses a row's token: under the mask of its guide, and from the few logits that a device gives away cheaply where they decide.
/// </summary>
internal sealed class TokenChoice(IModelRunner runner, Sampler sampler, StepMasks masks)
{
    private readonly ICandidateRunner? _candidates = runner as ICandidateRunner;

    /// <summary>Chooses.</summary>
    /// <param name="sequence">Whose token.</param>
    /// <param name="logits">The row's logits [vocabulary].</param>
    /// <param name="logitsRow">The row within the step.</param>
    /// <param name="detail">What the request asked to know about it, or null.</param>
    /// <exception cref="SamplingException">There is none.</exception>
    public uint Choose(Sequence sequence, ReadOnlySpan<float> logits, int logitsRow, out TokenDetail? detail)
    {
        var mask = masks.Of(sequence, logitsRow);
        detail = null;
        if (_candidates is null)
            return sampler.Sample(logits, sequence, out detail, mask);
        return _candidates.TryGetCandidates(logitsRow, out var best, out var ids) && sampler.TrySample(best, ids, sequence, out var id)
            ? id
            : sampler.Sample(_candidates.LogitsOf(logitsRow), sequence, out detail, mask);
    }

    /// <summary>Leads a sequence's guide behind the token that it has got and goes on with.</summary>
    public static void Follow(Sequence sequence, uint id)
    {
        if (sequence.Guide is { } guide && !guide.TryTake((int)id))
            throw new InvalidOperationException($"Token {id} was chosen behind byte {guide.Position}, where its guide does not allow it.");
    }
}
