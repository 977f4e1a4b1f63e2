using System.Globalization;
using System.Text.Json;

namespace Parley.Cli.Sizing;

/// <summary>A plan for people and for programs.</summary>
internal static class SizingReport
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    /// <summary>Lines for people.</summary>
    public static IEnumerable<string> Lines(SizingPlan plan)
    {
        var (model, target) = (plan.Model, plan.Target);
        yield return Line("model", $"{model.Name}: {model.Parameters / 1e6:N1} M parameters, {model.Precision}"
            + (model.IsPackage ? "" : " (as an import would give)"));
        yield return Line("weights", ByteSize.Shown(model.WeightBytes));
        var precision = model.IsCuda ? model.Target!.Activations : target.KvPrecision.ToString().ToLowerInvariant();
        yield return Line("KV cache", $"{plan.TokenBytes:N0} bytes per token ({precision}), blocks of {plan.BlockTokens} tokens");
        yield return Line("a sequence", $"{plan.ContextTokens:N0} tokens, prompt and answer: {ByteSize.Shown(plan.SequenceBytes)}");
        yield return Line("a replica", $"{plan.SequencesPerReplica:N0} sequences at once: KV cache {ByteSize.Shown(plan.CacheBytes)}, "
            + $"weights {ByteSize.Shown(model.WeightBytes)}, a step {ByteSize.Shown(plan.StepBytes)}, "
            + (plan.BufferBytes > 0 ? $"{(model.IsCuda ? "buffers" : "states")} {ByteSize.Shown(plan.BufferBytes)}, " : "")
            + $"{(model.IsCuda ? "reserve" : "the program")} {ByteSize.Shown(plan.ReserveBytes)}");
        yield return Line(model.IsCuda ? "GPU memory" : "memory", $"{ByteSize.Text(plan.LimitBytes)}"
            + (target.MemoryBytes is null ? "" : " as given") + (model.IsCuda ? ", free at the start" : ""));
        if (target.Load is { } load)
        {
            yield return Line("load", string.Create(CultureInfo.InvariantCulture,
                $"{load.RequestsPerSecond:0.###} requests/s of {load.PromptTokens} + {load.AnswerTokens} tokens keep "
                + $"{load.RequestsPerSecond * load.BusySeconds:0.00} replicas busy; planned to {load.Utilization:P0}"));
            yield return Line("a request", string.Create(CultureInfo.InvariantCulture,
                $"{load.RequestSeconds(plan.SequencesPerReplica):0.0} s where {plan.SequencesPerReplica} share a replica"));
        }

        yield return Line("replicas", $"{plan.Replicas}");
        yield return Line("kubernetes", Resources(plan));
        foreach (var (name, value) in plan.Settings)
            yield return Line("setting", $"{name}={value}");
    }

    /// <summary>The same numbers as JSON; bytes are bytes.</summary>
    public static string ToJson(SizingPlan plan) => JsonSerializer.Serialize(
        new
        {
            Model = plan.Model.Name,
            plan.Model.Precision,
            plan.Model.Parameters,
            plan.Model.IsPackage,
            plan.Model.WeightBytes,
            KvBytesPerToken = plan.TokenBytes,
            KvBlockTokens = plan.BlockTokens,
            plan.ContextTokens,
            plan.SequenceBytes,
            plan.SequencesPerReplica,
            KvCacheBytes = plan.CacheBytes,
            plan.StepBytes,
            plan.BufferBytes,
            plan.ReserveBytes,
            MemoryBytes = plan.LimitBytes,
            BusyReplicas = plan.Target.Load is { } load ? load.RequestsPerSecond * load.BusySeconds : (double?)null,
            RequestSeconds = plan.Target.Load?.RequestSeconds(plan.SequencesPerReplica),
            plan.Replicas,
            Resources = new { Cpu = plan.Target.Processors, Memory = plan.Model.IsCuda ? null : ByteSize.Text(plan.LimitBytes) },
            plan.Settings,
        },
        Json);

    /// <summary>Requests equal limits: memory is all taken at the start, and a part of a processor makes steps stand still.</summary>
    private static string Resources(SizingPlan plan) => plan.Model.IsCuda
        ? $"requests = limits: nvidia.com/gpu 1, cpu {plan.Target.Processors}"
        : $"requests = limits: cpu {plan.Target.Processors}, memory {ByteSize.Text(plan.LimitBytes)}";

    private static string Line(string name, FormattableString text) => Line(name, text.ToString(CultureInfo.InvariantCulture));

    private static string Line(string name, string text) => $"{name,-11} {text}";
}
