namespace Parley.Gateway.Tests.Ollama;

/// <summary>Fields of Ollama's requests: what becomes of each, by the name that docs/ollama-api.md gives it.</summary>
internal static class OllamaFieldCases
{
    private const string Chat = "/api/chat";
    private const string Generate = "/api/generate";

    /// <summary>The services hear the same as without.</summary>
    public static readonly (string Field, string Path, string Json)[] Silent =
    [
        ("keep_alive", Chat, "\"keep_alive\":\"5m\""), ("keep_alive", Chat, "\"keep_alive\":-1"),
        ("keep_alive", Generate, "\"keep_alive\":\"-1h30m\""), ("options", Chat, "\"options\":{}"), ("format", Chat, "\"format\":\"\""),
        ("format", Generate, "\"format\":null"), ("think", Chat, "\"think\":null"), ("tools", Chat, "\"tools\":[]"),
        ("images", Generate, "\"images\":[]"), ("suffix", Generate, "\"suffix\":\"\""), ("template", Generate, "\"template\":\"\""),
        ("context", Generate, "\"context\":[]"), ("raw", Generate, "\"raw\":false"), ("system", Generate, "\"system\":\"\""),
        ("shift", Chat, "\"shift\":false"), ("_debug_render_only", Chat, "\"_debug_render_only\":false"),
        ("logprobs", Chat, "\"logprobs\":false"), ("top_logprobs", Chat, "\"top_logprobs\":3"), ("truncate", Chat, "\"truncate\":true"),
        ("options.seed", Chat, "\"options\":{\"seed\":-1}"), ("options.num_predict", Chat, "\"options\":{\"num_predict\":-1}"),
        ("options.num_ctx", Chat, "\"options\":{\"num_ctx\":-1}"), ("options.mirostat", Chat, "\"options\":{\"mirostat\":0}"),
        ("options.repeat_last_n", Chat, "\"options\":{\"repeat_last_n\":64}"), ("options.tfs_z", Chat, "\"options\":{\"tfs_z\":1.0}"),
        ("options.stop", Chat, "\"options\":{\"stop\":[]}"),
    ];

    /// <summary>Read over, and named in the header of such fields.</summary>
    public static readonly (string Field, string Path, string Json)[] Told =
    [
        ("keep_alive", Chat, "\"keep_alive\":0"), ("keep_alive", Chat, "\"keep_alive\":\"0s\""), ("shift", Chat, "\"shift\":true"),
        ("options.num_keep", Chat, "\"options\":{\"num_keep\":4}"), ("options.num_batch", Chat, "\"options\":{\"num_batch\":512}"),
        ("options.num_gpu", Chat, "\"options\":{\"num_gpu\":99}"), ("options.main_gpu", Chat, "\"options\":{\"main_gpu\":0}"),
        ("options.use_mmap", Chat, "\"options\":{\"use_mmap\":true}"), ("options.num_thread", Chat, "\"options\":{\"num_thread\":8}"),
        ("options.draft_num_predict", Chat, "\"options\":{\"draft_num_predict\":4}"),
    ];

    /// <summary>A part of what the Generator is asked, or of the chat that the Tokenizer gets.</summary>
    public static readonly (string Field, string Path, string Json, string Heard)[] Honoured =
    [
        ("options.temperature", Chat, "\"options\":{\"temperature\":0.5}", "\"temperature\": 0.5"),
        ("options.top_k", Chat, "\"options\":{\"top_k\":7}", "\"topK\": 7"),
        ("options.top_p", Generate, "\"options\":{\"top_p\":0.5}", "\"topP\": 0.5"),
        ("options.min_p", Chat, "\"options\":{\"min_p\":0.25}", "\"minP\": 0.25"),
        ("options.typical_p", Chat, "\"options\":{\"typical_p\":0.5}", "\"typicalP\": 0.5"),
        ("options.seed", Chat, "\"options\":{\"seed\":9}", "\"seed\":"),
        ("options.num_predict", Chat, "\"options\":{\"num_predict\":7}", "\"maxTokens\": 7"),
        ("options.num_ctx", Chat, "\"options\":{\"num_ctx\":108}", "\"maxTokens\": 100"),
        ("options.repeat_penalty", Chat, "\"options\":{\"repeat_penalty\":1.25}", "\"repetitionPenalty\": 1.25"),
        ("options.repeat_last_n", Chat, "\"options\":{\"repeat_penalty\":1.25,\"repeat_last_n\":32}", "\"penaltyLastN\": 32"),
        ("options.presence_penalty", Chat, "\"options\":{\"presence_penalty\":0.5}", "\"presencePenalty\": 0.5"),
        ("options.frequency_penalty", Chat, "\"options\":{\"frequency_penalty\":0.5}", "\"frequencyPenalty\": 0.5"),
        ("options.mirostat", Chat, "\"options\":{\"mirostat\":2,\"mirostat_tau\":4}", "\"mirostat\": 2"),
        ("options.stop", Chat, "\"options\":{\"stop\":\"x\"}", "\"stop\": [ \"x\" ]"),
        ("format", Chat, "\"format\":\"json\"", "\"jsonSchema\": \"{\\\"type\\\":\\\"object\\\"}\""),
        ("format", Generate, "\"format\":{\"type\":\"array\"}", "\"jsonSchema\": \"{\\\"type\\\":\\\"array\\\"}\""),
        ("think", Chat, "\"think\":true", "enable_thinking\\\":true"),
        ("think", Generate, "\"think\":\"low\"", "reasoning_effort\\\":\\\"low"),
        ("system", Generate, "\"system\":\"S\"", "\"role\": \"system\", \"content\": \"S\""),
        ("logprobs", Chat, "\"logprobs\":true", "\"logprobs\": true"),
        ("top_logprobs", Chat, "\"logprobs\":true,\"top_logprobs\":2", "\"topLogprobs\": 2"),
        ("tools", Chat, "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{}}}]", "\\\"name\\\":\\\"f\\\""),
    ];

    /// <summary>400, with what the message begins with.</summary>
    public static readonly (string Field, string Path, string Json, string Message)[] Refused =
    [
        ("images", Generate, "\"images\":[\"aGk=\"]", "images are not supported: of a model that sees images"),
        ("suffix", Generate, "\"suffix\":\"end\"", "suffix is not supported"),
        ("template", Generate, "\"template\":\"{{ .Prompt }}\"", "template is not supported"),
        ("context", Generate, "\"context\":\"abc\"", "context must be an array of numbers"),
        ("keep_alive", Chat, "\"keep_alive\":\"soon\"", "keep_alive must be a number of seconds"),
        ("keep_alive", Chat, "\"keep_alive\":true", "keep_alive must be a number of seconds"),
        ("format", Chat, "\"format\":\"xml\"", "format is supported as 'json' or a JSON schema only"),
        ("think", Chat, "\"think\":\"hard\"", "think must be"),
        ("top_logprobs", Chat, "\"logprobs\":true,\"top_logprobs\":99", "top_logprobs must be at most 20 (it is 99)"),
        ("_debug_render_only", Chat, "\"_debug_render_only\":true", "_debug_render_only is supported as false only"),
        ("options", Chat, "\"options\":5", "options must be an object"),
        ("options", Chat, "\"options\":{\"max_new_tokens\":0}", "options.max_new_tokens must be at least 1"),
        ("options", Chat, "\"options\":{\"stop_sequences\":[\"\"]}", "options.stop_sequences[0] must not be empty"),
        ("options.temperature", Chat, "\"options\":{\"temperature\":-1}", "options.temperature must be between 0 and 100"),
        ("options.num_predict", Chat, "\"options\":{\"num_predict\":0}", "options.num_predict must be at least 1"),
        ("options.repeat_penalty", Chat, "\"options\":{\"repeat_penalty\":-1}", "options.repeat_penalty must be greater than 0"),
        ("options.stop", Chat, "\"options\":{\"stop\":[\"\"]}", "options.stop[0] must not be empty"),
        ("options.tfs_z", Chat, "\"options\":{\"tfs_z\":0.5}", "options.tfs_z is supported as 1 only"),
        ("tools", Chat, "\"tools\":[{\"type\":\"retrieval\"}]", "tools[0] is supported as type 'function' only"),
    ];
}
