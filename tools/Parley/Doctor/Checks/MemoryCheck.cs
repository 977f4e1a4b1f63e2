using Parley.Cli.Doctor.Machine;
using Parley.Cli.Sizing;
using Parley.Generator;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Cuda;
using Parley.PackageFormat;

namespace Parley.Cli.Doctor.Checks;

/// <summary>Whether model and KV cache fit, computed as the Generator does at its start.</summary>
internal static class MemoryCheck
{
    private const string Name = "memory";

    public static IEnumerable<Finding> Of(MachineState state)
    {
        if (state.Package.Size is not { } model)
        {
            yield return Finding.Ok(
                Name, $"{state.Limits.MemoryBytes >> 20} MB ({state.Limits.MemorySource}); what fits is known once there is a model");
            yield break;
        }

        if (model.Target is { } target)
        {
            foreach (var card in state.Libraries.Cards.Where(card => card.Number == state.Options.Cuda.DeviceId))
                yield return OfCard(card, model, target, state.Options);
            yield break;
        }

        yield return OfHost(state, model);
    }

    private static Finding OfHost(MachineState state, ModelSize model)
    {
        var (options, limits) = (state.Options, state.Limits);
        var perToken = model.TokenBytes(options.KvCachePrecision);
        HostMemoryPlan plan;
        try
        {
            plan = HostMemoryPlan.Compute(options, model.Shape, perToken, model.WeightBytes, limits);
        }
        catch (InvalidDataException exception)
        {
            return Finding.Fault(Name, exception.Message, "see 'parley plan' for what fits where");
        }

        var tokens = plan.CacheBytes / perToken;
        var context = plan.Cache.ContextTokensMax;
        var fact = $"{limits.MemoryBytes >> 20} MB ({limits.MemorySource}): weights {Up(plan.WeightBytes)} MB, "
            + $"a step {Up(plan.StepBytes)} MB, the program {Up(plan.ReserveBytes)} MB, "
            + $"KV cache {plan.CacheBytes >> 20} MB = {tokens:N0} tokens, {tokens / context:N0} sequences of {context:N0}";
        var asked = options.ContextTokensMax == 0
            ? model.Shape.ContextTokensMax : Math.Min(options.ContextTokensMax, model.Shape.ContextTokensMax);
        if (context < asked)
        {
            return Finding.Warning(
                Name, $"{fact}; a sequence of {asked:N0} tokens, as the model could, does not fit",
                "give more memory, lower Generator:ContextTokensMax, or set Generator:KvCachePrecision to Int8");
        }

        // What is needed counts against what others have left, and what this container has taken is its own.
        return limits.AvailableBytes is { } available && limits.Groups.MemoryBytes is null && plan.NeedBytes > available
            ? Finding.Warning(
                Name, $"{fact}; other programs leave {available >> 20} MB of the {Up(plan.NeedBytes)} MB that this takes",
                "stop some of them, or lower Generator:KvCacheMegabytes")
            : Finding.Ok(Name, fact);
    }

    private static Finding OfCard(CardFacts card, ModelSize model, GraphTarget target, GeneratorOptions options)
    {
        try
        {
            var step = CudaServing.Beside(model.Shape, target, options).Step;
            var plan = CudaServing.Share(card.FreeBytes, model.WeightBytes, step, model.Shape, target, options);
            var tokens = plan.CacheBytes / CudaServing.TokenBytes(model.Shape, target);
            return Finding.Ok(
                Name, $"{card.FreeBytes >> 20} of {card.TotalBytes >> 20} MB of CUDA {card.Number} free: "
                + $"weights {Up(model.WeightBytes)} MB, KV cache {plan.CacheBytes >> 20} MB = {tokens:N0} tokens, "
                + $"sequences of up to {plan.Cache.ContextTokensMax:N0}");
        }
        catch (InvalidDataException exception)
        {
            return Finding.Fault(Name, exception.Message, "see 'parley plan' for what fits where");
        }
    }

    private static long Up(long bytes) => ByteSize.Mebibytes(bytes);
}
