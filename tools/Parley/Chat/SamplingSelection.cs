using System.CommandLine;
using Parley.Generator.V1;

namespace Parley.Cli.Chat;

/// <summary>The sampling options of the commands that make a model answer; what is not given is the model's own default.</summary>
internal sealed class SamplingSelection
{
    private readonly Option<float?> _temperature = new("--temperature") { Description = "0 is greedy." };
    private readonly Option<uint?> _topK = new("--top-k") { Description = "Keep the k most likely tokens; 0 keeps all." };
    private readonly Option<float?> _topP = new("--top-p") { Description = "Keep the most likely tokens that make up this probability." };
    private readonly Option<float?> _repetitionPenalty = new("--repetition-penalty")
    {
        Description = "Above 1 makes repetition less likely.",
    };

    private readonly Option<ulong?> _seed = new("--seed") { Description = "The same seed gives the same answer." };
    private readonly Option<uint?> _maxTokens = new("--max-tokens") { Description = "Length limit of the answer." };

    public void AddTo(Command command)
    {
        command.Options.Add(_temperature);
        command.Options.Add(_topK);
        command.Options.Add(_topP);
        command.Options.Add(_repetitionPenalty);
        command.Options.Add(_seed);
        command.Options.Add(_maxTokens);
    }

    public SamplingParameters Read(ParseResult result)
    {
        var sampling = new SamplingParameters();
        if (result.GetValue(_temperature) is { } temperature)
            sampling.Temperature = temperature;
        if (result.GetValue(_topK) is { } topK)
            sampling.TopK = topK;
        if (result.GetValue(_topP) is { } topP)
            sampling.TopP = topP;
        if (result.GetValue(_repetitionPenalty) is { } repetitionPenalty)
            sampling.RepetitionPenalty = repetitionPenalty;
        if (result.GetValue(_seed) is { } seed)
            sampling.Seed = seed;
        if (result.GetValue(_maxTokens) is { } maxTokens)
            sampling.MaxTokens = maxTokens;
        return sampling;
    }
}
