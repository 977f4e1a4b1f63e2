using System.Text.Json;
using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>The rare settings of sampling, under the names of their fields; those that are not set are not told.</summary>
internal static class ProcessorWriter
{
    public static void Write(Utf8JsonWriter json, ProcessorSettings settings)
    {
        WriteRuns(json, "bad_words_ids", settings.BadRuns);
        if (settings.SequenceBias.Count > 0)
        {
            json.WriteStartArray("sequence_bias");
            foreach (var (run, bias) in settings.SequenceBias)
            {
                json.WriteStartArray();
                WriteIds(json, run);
                // JSON has no infinity; a token at a bias beyond all others is as good as out.
                json.WriteNumberValue(float.IsFinite(bias) ? bias : float.MinValue);
                json.WriteEndArray();
            }

            json.WriteEndArray();
        }

        WriteNumber(json, "forced_bos_token_id", settings.ForcedBosTokenId);
        if (settings.ForcedEosTokenIds.Count > 0)
        {
            json.WritePropertyName("forced_eos_token_id");
            WriteIds(json, settings.ForcedEosTokenIds);
        }

        if (settings.ExponentialDecay is var (start, factor))
        {
            json.WriteStartArray("exponential_decay_length_penalty");
            json.WriteNumberValue(start);
            json.WriteNumberValue(factor);
            json.WriteEndArray();
        }

        WriteNumber(json, "encoder_repetition_penalty", settings.EncoderRepetitionPenalty);
        WriteNumber(json, "repeat_last_n", settings.PenaltyLastN);
        WriteNumber(json, "top_n_sigma", settings.TopNSigma);
        WriteNumber(json, "top_h", settings.TopH);
        WriteNumber(json, "epsilon_cutoff", settings.EpsilonCutoff);
        WriteNumber(json, "eta_cutoff", settings.EtaCutoff);
        WriteNumber(json, "dry_multiplier", settings.DryMultiplier);
        WriteNumber(json, "dry_base", settings.DryBase);
        WriteNumber(json, "dry_allowed_length", settings.DryAllowedLength);
        WriteNumber(json, "dry_penalty_last_n", settings.DryPenaltyLastN);
        WriteNumber(json, "xtc_probability", settings.XtcProbability);
        WriteNumber(json, "xtc_threshold", settings.XtcThreshold);
        WriteNumber(json, "dynatemp_range", settings.DynatempRange);
        WriteNumber(json, "dynatemp_exponent", settings.DynatempExponent);
        WriteNumber(json, "mirostat", settings.Mirostat);
        WriteNumber(json, "mirostat_tau", settings.MirostatTau);
        WriteNumber(json, "mirostat_eta", settings.MirostatEta);
    }

    private static void WriteRuns(Utf8JsonWriter json, string name, IReadOnlyList<uint[]> runs)
    {
        if (runs.Count == 0)
            return;
        json.WriteStartArray(name);
        foreach (var run in runs)
            WriteIds(json, run);
        json.WriteEndArray();
    }

    private static void WriteIds(Utf8JsonWriter json, IReadOnlyList<uint> ids)
    {
        json.WriteStartArray();
        foreach (var id in ids)
            json.WriteNumberValue(id);
        json.WriteEndArray();
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, float? value)
    {
        if (value is { } number)
            json.WriteNumber(name, number);
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, uint? value)
    {
        if (value is { } number)
            json.WriteNumber(name, number);
    }
}
