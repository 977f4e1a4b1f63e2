namespace Parley.ModelImporter.Architectures;

/// <summary>Reads what families with mixtures of experts have in common, each under its own names.</summary>
internal static class MixtureFields
{
    private const int ExpertsMax = 1 << 12;

    /// <summary>Fields of training, which change no answer.</summary>
    public static IReadOnlyList<string> Silent { get; } = ["output_router_logits", "router_aux_loss_coef"];

    /// <summary>Reads numbers of experts and what they compute.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="activation">The function of the MLP.</param>
    /// <param name="experts">Field of their number and its default, and what it is called elsewhere.</param>
    /// <param name="chosen">Default of num_experts_per_tok.</param>
    /// <param name="width">Width of an expert.</param>
    /// <param name="scoring">What becomes of the router's logits.</param>
    /// <exception cref="InvalidDataException">A field is malformed, or the experts compute what no operator does.</exception>
    public static MixtureSettings Read(
        ConfigFile config, Activation activation, (string Field, int Default, string Other) experts, int chosen, int width,
        RouterScoring scoring)
    {
        if (activation != Activation.Silu)
            throw config.Unsupported("hidden_act", $"{activation}", "silu, where there are experts");
        config.RefuseNull(experts.Field, experts.Other, "num_experts_per_tok");
        var field = config.Has(experts.Other) ? experts.Other : experts.Field;
        var count = config.Int(field, 1, ExpertsMax, experts.Default);
        if (config.Has(experts.Field) && config.Int(experts.Field, 1, ExpertsMax) != count)
            throw config.Unsupported(experts.Other, $"{count}", $"the same as {experts.Field}");
        var best = config.Int("num_experts_per_tok", 1, ExpertsMax, chosen);
        return best <= count
            ? new MixtureSettings(count, best, width, scoring)
            : throw config.Unsupported("num_experts_per_tok", $"{best}", $"up to the {count} experts");
    }
}
