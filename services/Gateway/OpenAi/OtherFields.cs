using System.Collections.Frozen;
using System.Text.Json;
using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>
/// The fields that OpenAI, vLLM, SGLang, llama.cpp, Ollama, TGI, OpenRouter, LM Studio, KoboldCpp and text-generation-webui know and that
/// are no settings here. A value that asks for nothing is never a fault; one that would change the answer is never read over.
/// </summary>
internal static class OtherFields
{
    private const int WordCharactersMax = 32;

    private static readonly FrozenDictionary<string, OtherField> Table = Join(
        // Who asks, what for, and how to account for it.
        Each(OtherField.Any, "user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
            "request_id"),
        // How fast, in which memory, and for how long: the words are the same.
        Each(OtherField.Any, "cache_prompt", "keep_alive", "ttl", "num_ctx", "n_ctx", "max_context_length",
            "truncation_length"),
        Each(OtherField.Told, "id_slot", "slot_id", "n_keep", "num_keep", "min_keep", "n_cache_reuse", "cache_salt", "num_gpu",
            "num_thread", "num_batch", "main_gpu", "low_vram", "use_mmap", "use_mlock", "numa", "f16_kv", "draft_model",
            "prompt_lookup_num_tokens", "provider", "models", "route", "timings_per_token", "return_progress", "separate_reasoning"),
        // A copy for the account of whoever asks: the answer is the same, and nothing is kept.
        Each(OtherField.ToldWhereTrue, "store"),
        // Companions of a setting that is refused by its own name where it is on.
        Each(OtherField.Any, "dynatemp_low", "dynatemp_high", "smoothing_curve",
            "guided_decoding_backend", "guided_whitespace_pattern", "spaces_between_special_tokens", "include_reasoning",
            "stream_reasoning"),
        // Samplers that are not here.
        Each(OtherField.Number(0), "top_a", "smoothing_factor", "penalty_alpha", "diversity_penalty", "n_probs", "top_n_tokens",
            "top_logprobs_num", "n_indent", "max_tokens_second"),
        Each(OtherField.Number(-1, 0), "t_max_predict_ms", "t_max_prompt_ms", "truncate_prompt_tokens", "truncate",
            "logprob_start_len"),
        Each(OtherField.Number(1), "tfs_z", "tfs", "guidance_scale", "cfg_scale", "num_beams", "num_beam_groups", "length_penalty"),
        Each(OtherField.False, "use_beam_search", "early_stopping", "dynamic_temperature", "temperature_last", "ban_eos_token",
            "bypass_eos", "auto_max_new_tokens"),
        Each(OtherField.Empty, "samplers", "sampler_priority", "sampler_order", "negative_prompt", "custom_token_bans",
            "logits_processors", "custom_logit_processor", "custom_params"),
        // Shapes of the answer that are not here.
        Each(OtherField.False, "echo", "add_special_tokens", "return_full_text", "return_token_ids", "return_tokens",
            "return_tokens_as_token_ids", "return_logprob", "post_sampling_probs", "details", "decoder_input_details", "watermark",
            "safe_prompt", "raw", "background"),
        Each(OtherField.True, "skip_special_tokens", "detokenize", "add_bos_token", "trim_stop"),
        Each(OtherField.FalseOrEmpty, "moderation"),
        Each(OtherField.Empty, "audio", "response_fields", "include"),
        Each(OtherField.Text("none", "raw", "auto"), "reasoning_format"),
        Each(OtherField.Text("medium"), "verbosity"),
        // Other prompts, templates, adapters and tools than those of the request's messages.
        Each(OtherField.Empty, "functions", "chat_template", "template", "system", "suffix", "prompt", "context", "images", "lora",
            "lora_path", "adapter_id", "plugins", "transforms", "mm_processor_kwargs", "kv_transfer_params", "vllm_xargs", "preset",
            "instruction_template", "search_parameters"),
        Each(OtherField.Text("none", "auto"), "function_call"),
        Each(OtherField.Text("instruct"), "mode"),
        // Empty here means on, with its defaults.
        Each(new OtherField(value => value.ValueKind == JsonValueKind.Null, "null") { Schema = """{"type":"null"}""" },
            "web_search_options"),
        Each(new OtherField(IsTextOnly, "'text'")
        {
            Schema = """{"anyOf":[{"enum":[null,"","text",{}]},{"type":"array","items":{"const":"text"}}]}""",
        }, "modalities"));

    /// <summary>The table, for who describes it.</summary>
    public static IReadOnlyDictionary<string, OtherField> All => Table;

    /// <summary>Reads over a field, or refuses it; false where nobody knows it.</summary>
    public static bool TryRead(string name, string field, JsonElement value, RequestFields fields)
    {
        if (!Table.TryGetValue(name, out var other))
            return false;
        if (!other.AsksForNothing(value))
            RefuseValue(field, value, other.Supported, fields);
        else if (other.IsTold(value))
            fields.Ignore(field);
        return true;
    }

    public static void RefuseValue(string field, JsonElement value, string supported, RequestFields fields)
    {
        // A text may be long or private; only words of the kind that such fields have are shown.
        var isWord = value.ValueKind == JsonValueKind.String
            && value.GetString() is { Length: <= WordCharactersMax } word && word.All(char.IsAsciiLetterOrDigit);
        var shown = isWord ? $"'{value.GetString()}'" : RequestFields.NameOf(value);
        fields.Refuse(field, $"is supported as {supported} only (it is {shown})", ViolationReason.Unsupported);
    }

    private static bool IsTextOnly(JsonElement modes) => RequestFields.IsEmpty(modes) || RequestFields.Is(modes, "text")
        || (modes.ValueKind == JsonValueKind.Array && modes.EnumerateArray().All(mode => RequestFields.Is(mode, "text")));

    private static IEnumerable<(string Name, OtherField Field)> Each(OtherField field, params string[] names) =>
        names.Select(name => (name, field));

    private static FrozenDictionary<string, OtherField> Join(params IEnumerable<(string Name, OtherField Field)>[] groups) =>
        groups.SelectMany(group => group).ToFrozenDictionary(one => one.Name, one => one.Field, StringComparer.Ordinal);
}
