namespace Parley.Gateway.Tests.OpenAi;

/// <summary>Fields of requests as clients of many servers send them.</summary>
internal static class FieldCases
{
    /// <summary>Values that ask for nothing, or for what is done anyway: the services hear the same as without.</summary>
    public static readonly string[] Nothing =
    [
        "\"parallel_tool_calls\":false", "\"parallel_tool_calls\":true", "\"verbosity\":\"medium\"", "\"verbosity\":null",
        "\"functions\":[]",
        "\"function_call\":\"none\"", "\"function_call\":\"auto\"", "\"max_tokens\":-1", "\"max_completion_tokens\":-1", "\"n_predict\":-1",
        "\"num_predict\":-2", "\"best_of\":1", "\"echo\":false", "\"cache_prompt\":true", "\"cache_prompt\":false", "\"num_ctx\":4096",
        "\"keep_alive\":\"5m\"", "\"keep_alive\":-1", "\"prediction\":{\"type\":\"content\",\"content\":\"Paris\"}",
        "\"skip_special_tokens\":true", "\"add_special_tokens\":false", "\"spaces_between_special_tokens\":true", "\"mirostat\":0",
        "\"mirostat\":0,\"mirostat_tau\":5,\"mirostat_eta\":0.1", "\"options\":{}", "\"options\":null", "\"extra_body\":{}",
        "\"usage\":{\"include\":true}", "\"usage\":{}", "\"request_id\":\"a-1\"", "\"stream_options\":{}", "\"stream_options\":null",
        "\"stream_options\":{\"include_usage\":true,\"continuous_usage_stats\":false,\"include_obfuscation\":false}",
        "\"reasoning_effort\":null", "\"reasoning_effort\":\"\"", "\"reasoning\":{}", "\"reasoning\":{\"exclude\":false}",
        "\"thinking\":{}",
        "\"thinking_budget\":-1", "\"reasoning_format\":\"none\"", "\"include_reasoning\":true", "\"user\":\"u\"", "\"user\":\"\"",
        "\"metadata\":{\"a\":\"b\"}", "\"metadata\":[]", "\"store\":false", "\"service_tier\":\"flex\"", "\"modalities\":[\"text\"]",
        "\"modalities\":[]", "\"audio\":null", "\"audio\":{}", "\"response_format\":{\"type\":\"text\"}", "\"response_format\":{}",
        "\"response_format\":null", "\"web_search_options\":null", "\"tools\":[]", "\"tools\":null", "\"tools\":{}",
        "\"tool_choice\":\"none\"",
        "\"tool_choice\":\"auto\"", "\"tool_choice\":{\"type\":\"auto\"}", "\"tool_choice\":null", "\"tool_choice\":\"\"", "\"stop\":[]",
        "\"stop\":null", "\"stop\":\"\"", "\"stop_sequences\":[]", "\"logit_bias\":{}", "\"logit_bias\":[]", "\"logit_bias\":null",
        "\"n\":1", "\"n\":1.0", "\"n\":null", "\"chat_template_kwargs\":null", "\"documents\":[]", "\"temperature\":null",
        "\"stop_token_ids\":[]", "\"allowed_token_ids\":null", "\"top_a\":0", "\"tfs_z\":1", "\"tfs_z\":1.0", "\"xtc_probability\":0",
        "\"xtc_probability\":0,\"xtc_threshold\":0.1", "\"dry_multiplier\":0,\"dry_base\":1.75,\"dry_sequence_breakers\":[\"\\n\"]",
        "\"dynatemp_range\":0", "\"top_n_sigma\":-1", "\"guidance_scale\":1", "\"negative_prompt\":\"\"", "\"num_beams\":1",
        "\"use_beam_search\":false", "\"length_penalty\":1", "\"early_stopping\":false", "\"repeat_last_n\":64", "\"repeat_last_n\":0",
        "\"penalize_nl\":false", "\"repetition_penalty_range\":1024", "\"samplers\":[]", "\"bad_words\":[]", "\"grammar\":\"\"",
        "\"json_schema\":{}", "\"guided_json\":null", "\"guided_choice\":[]", "\"structured_outputs\":null", "\"format\":\"\"",
        "\"prompt_logprobs\":null", "\"return_token_ids\":false", "\"truncate_prompt_tokens\":-1", "\"detokenize\":true",
        "\"chat_template\":null", "\"chat_template\":\"\"", "\"lora\":[]", "\"plugins\":[]", "\"transforms\":[]", "\"watermark\":false",
        "\"return_full_text\":false", "\"do_sample\":true", "\"safe_prompt\":false", "\"mode\":\"instruct\"", "\"ban_eos_token\":false",
        "\"prompt_cache_key\":\"k\"", "\"safety_identifier\":\"s\"", "\"ttl\":300", "\"n_probs\":0", "\"raw\":false", "\"images\":[]",
        "\"options\":{\"num_ctx\":2048,\"mirostat\":0,\"repeat_last_n\":64}",
    ];

    /// <summary>Values that say what the services hear as zero, false or one: no change of the answer, but words of their own.</summary>
    public static readonly string[] Neutral =
    [
        "\"repeat_penalty\":1", "\"repetition_penalty\":1.0", "\"logprobs\":false", "\"logprobs\":0", "\"top_logprobs\":0", "\"top_k\":-1",
        "\"top_k\":0", "\"presence_penalty\":0", "\"frequency_penalty\":-0.0", "\"ignore_eos\":false", "\"min_tokens\":0", "\"priority\":0",
    ];

    /// <summary>A value that would change the answer and that cannot be done, with the field that the refusal names.</summary>
    public static readonly (string Fields, string Param)[] Unsupported =
    [
        ("\"verbosity\":\"high\"", "verbosity"), ("\"functions\":[{\"name\":\"f\"}]", "functions"),
        ("\"function_call\":{\"name\":\"f\"}", "function_call"), ("\"best_of\":3", "best_of"), ("\"echo\":true", "echo"),
        ("\"skip_special_tokens\":false", "skip_special_tokens"), ("\"add_special_tokens\":true", "add_special_tokens"),
        ("\"options\":{\"smoothing_factor\":2}", "options.smoothing_factor"), ("\"tfs_z\":0.9", "tfs_z"), ("\"top_a\":0.2", "top_a"),
        ("\"num_beams\":4", "num_beams"), ("\"use_beam_search\":true", "use_beam_search"), ("\"format\":\"xml\"", "format"),
        ("\"response_format\":{\"type\":\"xml\"}", "response_format.type"),
        ("\"response_format\":{\"type\":\"grammar\",\"grammar\":{\"syntax\":\"bnf\",\"definition\":\"x\"}}", "response_format.grammar.syntax"),
        ("\"modalities\":[\"text\",\"audio\"]", "modalities"), ("\"audio\":{\"voice\":\"alloy\",\"format\":\"wav\"}", "audio"),
        ("\"web_search_options\":{}", "web_search_options"), ("\"tool_choice\":\"sometimes\"", "tool_choice"),
        ("\"tool_choice\":{\"type\":\"custom\",\"custom\":{\"name\":\"f\"}}", "tool_choice.type"), ("\"store\":true", "store"),
        ("\"chat_template\":\"{{ messages }}\"", "chat_template"), ("\"lora\":[{\"id\":0,\"scale\":1}]", "lora"),
        ("\"plugins\":[{\"id\":\"web\"}]", "plugins"), ("\"n_probs\":5", "n_probs"),
        ("\"repeat_penalty\":1.1,\"penalize_nl\":false", "penalize_nl"), ("\"stream_options\":{\"continuous_usage_stats\":true}",
            "stream_options.continuous_usage_stats"),
        ("\"reasoning\":{\"exclude\":true}", "reasoning.exclude"), ("\"reasoning\":{\"max_tokens\":100}", "reasoning.max_tokens"),
        ("\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}", "thinking.budget_tokens"),
        ("\"thinking_budget\":0", "thinking_budget"),
        ("\"reasoning_format\":\"parsed\"", "reasoning_format"), ("\"negative_prompt\":\"no\"", "negative_prompt"),
        ("\"truncate_prompt_tokens\":10", "truncate_prompt_tokens"),
    ];
}
