using Parley.Generator.Execution;
using Parley.Generator.Sampling;
using Parley.Generator.Scheduling;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;

namespace Parley.Generator.Engine;

/// <summary>Tells what the model thought of a prompt's tokens, chunk by chunk as they are computed, where a request asks for it.</summary>
internal sealed class PromptJudging(IModelRunner runner, TokenDelivery delivery, SequenceEndings endings)
{
    private readonly ICandidateRunner? _candidates = runner as ICandidateRunner;

    /// <summary>Judges what a row of the step says about the prompt.</summary>
    /// <param name="row">The row.</param>
    /// <param name="logits">Its logits [LogitRows × vocabulary]; those about the prompt come first.</param>
    /// <param name="logitsRow">The first of them within the step.</param>
    /// <returns>Whether a token is to be sampled behind it.</returns>
    /// <exception cref="SamplingException">The logits are not numbers.</exception>
    public bool Judge(StepRow row, ReadOnlySpan<float> logits, int logitsRow)
    {
        var sequence = row.Sequence;
        if (row.PromptRows > 0)
        {
            var vocabulary = logits.Length / row.LogitRows;
            var details = new PromptTokenDetail[row.PromptRows];
            for (var i = 0; i < details.Length; i++)
            {
                var part = _candidates is null ? logits.Slice(vocabulary * i, vocabulary) : _candidates.LogitsOf(logitsRow + i);
                details[i] = ModelLogprobs.Judge(
                    part, sequence.Tokens[sequence.PromptJudged + i], sequence.Parameters.PromptLogprobs ?? 0);
            }

            var isAwaited = sequence.Stream.WritePrompt(new PromptJudgement(sequence.PromptJudged, details));
            sequence.PromptJudged += details.Length;
            if (isAwaited)
                delivery.Add(sequence.Stream);
        }

        if (!row.WantsLogits || sequence.Parameters.MaxTokens > 0)
            return row.WantsLogits;
        endings.Finish(sequence, FinishReason.MaxTokens, null);
        return false;
    }
}
