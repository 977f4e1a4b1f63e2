using Microsoft.Extensions.Options;

namespace Parley.Generator;

/// <summary>The rules between settings; those of each alone are attributes on it.</summary>
internal sealed class GeneratorOptionsRules : IValidateOptions<GeneratorOptions>
{
    public ValidateOptionsResult Validate(string? name, GeneratorOptions options)
    {
        var failures = new List<string>();
        if (options.StepTokensMax < options.RunningSequencesMax)
        {
            failures.Add(
                $"Generator:StepTokensMax is {options.StepTokensMax} and Generator:RunningSequencesMax {options.RunningSequencesMax}: "
                + "a step must have room for one token of each running sequence.");
        }

        if (options.PrefillChunkTokens > options.StepTokensMax)
        {
            failures.Add(
                $"Generator:PrefillChunkTokens is {options.PrefillChunkTokens} and Generator:StepTokensMax {options.StepTokensMax}: "
                + "a chunk is part of a step.");
        }

        if (options.DraftTokensDefault > options.DraftTokensMax)
        {
            failures.Add(
                $"Generator:DraftTokensDefault is {options.DraftTokensDefault} and Generator:DraftTokensMax {options.DraftTokensMax}: "
                + "what an unset field means must be allowed.");
        }

        if (options is { DraftsByHead: true, Device: not "cpu" })
        {
            failures.Add(
                $"Generator:Drafts is {options.Drafts} and Generator:Device {options.Device}: the model's own head drafts on the CPU "
                + "alone; leave Generator:Drafts out.");
        }

        if (options is { DraftsByHead: true, DraftTokensMax: 0 })
        {
            failures.Add(
                $"Generator:Drafts is {options.Drafts} and Generator:DraftTokensMax 0, which allows no drafts: raise it, or leave "
                + "Generator:Drafts out.");
        }

        if (!int.IsPow2(options.KvBlockTokens))
            failures.Add($"Generator:KvBlockTokens is {options.KvBlockTokens}, which is not a power of two.");

        if (options.StateSnapshotTokens % options.KvBlockTokens != 0)
        {
            failures.Add(
                $"Generator:StateSnapshotTokens is {options.StateSnapshotTokens}, no multiple of Generator:KvBlockTokens, "
                + $"{options.KvBlockTokens}.");
        }

        if (options.Adapters.Count > options.AdaptersMax)
        {
            failures.Add(
                $"Generator:Adapters has {options.Adapters.Count} entries and Generator:AdaptersMax is {options.AdaptersMax}: raise it.");
        }

        foreach (var (adapter, folder) in options.Adapters)
        {
            if (string.IsNullOrWhiteSpace(folder))
                failures.Add($"Generator:Adapters:{adapter} is empty; it names the folder that `parley adapter` wrote.");
        }

        if (options.AdapterDirectory.Length > 0 && !Path.IsPathFullyQualified(options.AdapterDirectory))
            failures.Add($"Generator:AdapterDirectory is {options.AdapterDirectory}, which is no full path.");

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
