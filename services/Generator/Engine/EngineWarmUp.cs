using System.Diagnostics;
using Parley.Generator.Execution;
using Parley.Generator.Sampling;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;

namespace Parley.Generator.Engine;

/// <summary>
/// Runs the model before the first caller does: the runtime compiles a method well only after some 30 calls, and the device takes its
/// memory at the first. A prompt first, then single tokens, over block 0 and slot 0 with nobody's data in it, and the sampler behind each.
/// </summary>
internal sealed class EngineWarmUp(GenerationEngine engine, GeneratorOptions options)
{
    private static readonly TimeSpan TimeMax = TimeSpan.FromSeconds(2);

    /// <summary>A block may be a slot of thousands of positions, and reading so many takes longer than a start should.</summary>
    private const int PromptTokensMax = 64;

    private readonly Sampler _sampler = new(engine.Runner.Shape.VocabularySize, []);

    /// <exception cref="SamplingException">The model's logits are not numbers: it is broken.</exception>
    public void Run()
    {
        var runner = engine.Runner;
        var promptLength = Math.Min(
            Math.Min(runner.BlockTokens, PromptTokensMax), Math.Min(engine.Limits.StepTokensMax, engine.Limits.ContextTokensMax));
        var batch = new StepBatch(promptLength, 1, 1, 1);
        var ids = new uint[promptLength];
        var started = Stopwatch.GetTimestamp();
        for (var step = 0; step < options.WarmUpSteps && (step < 2 || Stopwatch.GetElapsedTime(started) < TimeMax); step++)
        {
            batch.Clear(1);
            if (step % 8 == 0)
                batch.Add(ids, 0, [0], 1);
            else
                batch.Add(ids.AsSpan(0, 1), promptLength - 1, [0], 1);
            batch.ContinueStates(0);
            RehearseSampling(runner.Run(batch).Span);
        }
    }

    /// <summary>Chooses a token from logits as for a chat, and forgets it: before the first caller waits for it.</summary>
    private void RehearseSampling(ReadOnlySpan<float> logits)
    {
        var chat = new SamplingParameters
        {
            Sample = true,
            Temperature = 0.7f,
            TopK = 50,
            TopP = 0.95f,
            MinP = 0.01f,
            RepetitionPenalty = 1.1f,
            MaxTokens = 1,
        };
        foreach (var parameters in new[] { chat, chat with { TopK = 0 }, new SamplingParameters { MaxTokens = 1 } })
            _sampler.Sample(logits, new Sequence("warm-up", [0], [], parameters, new TokenStream(1)), out _);
    }
}
