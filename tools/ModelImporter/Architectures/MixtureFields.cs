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

    /// <summary>Reads groups that the experts lie in.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="mixture">The experts.</param>
    /// <param name="groups">Groups where it does not say.</param>
    /// <param name="chosen">Groups that are chosen where it does not say.</param>
    /// <exception cref="InvalidDataException">Groups do not divide the experts, or hold too few to choose from.</exception>
    public static MixtureSettings ReadGroups(ConfigFile config, MixtureSettings mixture, int groups, int chosen)
    {
        groups = config.Int("n_group", 1, mixture.Experts, groups);
        if (mixture.Experts % groups != 0 || mixture.Experts / groups < 2)
            throw config.Unsupported("n_group", $"{groups}", $"divisors of the {mixture.Experts} experts, with two or more in each group");
        chosen = config.Int("topk_group", 1, groups, chosen);
        return mixture.Chosen <= mixture.Experts / groups * chosen
            ? mixture with { Groups = groups, GroupsChosen = chosen }
            : throw config.Unsupported("topk_group", $"{chosen}", $"groups that hold the {mixture.Chosen} experts of a token");
    }

    /// <summary>The first layers, which have a plain MLP instead.</summary>
    public static IReadOnlySet<int> ReadFirstDense(ConfigFile config, int layers, int missing) =>
        Enumerable.Range(0, Math.Min(layers, config.Int("first_k_dense_replace", 0, ExpertsMax, missing))).ToHashSet();
}
