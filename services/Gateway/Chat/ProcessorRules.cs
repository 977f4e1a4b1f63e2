namespace Parley.Gateway.Chat;

/// <summary>Ranges of the rare settings, as the Generator has them: so their faults are told with all others of a request.</summary>
internal static class ProcessorRules
{
    private const uint AllowedLengthMax = 1024;

    public static void Check(ProcessorSettings? settings, ViolationList violations)
    {
        if (settings is null)
            return;
        (string Name, float? Value, float Least, float Most)[] ranges =
        [
            ("encoder_repetition_penalty", settings.EncoderRepetitionPenalty, 0.01f, 100), ("top_n_sigma", settings.TopNSigma, 0, 100),
            ("top_h", settings.TopH, 0, 1), ("epsilon_cutoff", settings.EpsilonCutoff, 0, 0.9999f),
            ("eta_cutoff", settings.EtaCutoff, 0, 0.9999f), ("dry_multiplier", settings.DryMultiplier, 0, 100),
            ("dry_base", settings.DryBase, 1, 100), ("dry_allowed_length", settings.DryAllowedLength, 0, AllowedLengthMax),
            ("xtc_probability", settings.XtcProbability, 0, 1), ("xtc_threshold", settings.XtcThreshold, 0, 1),
            ("dynatemp_range", settings.DynatempRange, 0, 100), ("dynatemp_exponent", settings.DynatempExponent, 0, 100),
            ("mirostat", settings.Mirostat, 0, 2), ("mirostat_tau", settings.MirostatTau, 0, 100),
            ("mirostat_eta", settings.MirostatEta, 0, 1),
            ("exponential_decay_length_penalty", settings.ExponentialDecay?.Factor, 0.01f, 100),
        ];
        foreach (var (name, value, least, most) in ranges)
            ChatRequestValidator.CheckRange($"processors.{name}", value, least, most, violations);
    }
}
