namespace Parley.Gateway.Tests.Anthropic;

/// <summary>Fields of messages: what becomes of each, by the name that docs/anthropic-api.md gives it.</summary>
internal static class MessageFieldCases
{
    /// <summary>The services hear the same as without.</summary>
    public static readonly (string Field, string Json)[] Silent =
    [
        ("metadata", "\"metadata\":{\"user_id\":\"u\"}"), ("service_tier", "\"service_tier\":\"auto\""),
        ("cache_control", "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}"), ("user_profile_id", "\"user_profile_id\":\"p\""),
        ("workspace_id", "\"workspace_id\":\"w\""), ("diagnostics", "\"diagnostics\":{\"previous_message_id\":null}"),
        ("speed", "\"speed\":\"fast\""), ("betas", "\"betas\":[\"x-2025\"]"), ("anthropic_version", "\"anthropic_version\":\"v\""),
        ("system", "\"system\":\"\""), ("system", "\"system\":[]"), ("tools", "\"tools\":[]"), ("tool_choice", "\"tool_choice\":null"),
        ("stop_sequences", "\"stop_sequences\":[]"), ("stream", "\"stream\":false"), ("thinking", "\"thinking\":{\"type\":\"disabled\"}"),
        ("output_config", "\"output_config\":{}"), ("output_format", "\"output_format\":null"), ("container", "\"container\":null"),
        ("mcp_servers", "\"mcp_servers\":[]"), ("context_management", "\"context_management\":{\"edits\":[]}"),
        ("context_management", "\"context_management\":{}"), ("inference_geo", "\"inference_geo\":\"global\""),
        ("temperature", "\"temperature\":null"), ("tool_choice", "\"tool_choice\":{\"type\":\"none\"}"),
    ];

    /// <summary>A part of what the Generator is asked, or of the chat that the Tokenizer gets.</summary>
    public static readonly (string Field, string Json, string Heard)[] Honoured =
    [
        ("temperature", "\"temperature\":0.5", "\"temperature\": 0.5"), ("top_p", "\"top_p\":0.5", "\"topP\": 0.5"),
        ("top_k", "\"top_k\":7", "\"topK\": 7"), ("max_tokens", "\"top_k\":7", "\"maxTokens\": 50"),
        ("stop_sequences", "\"stop_sequences\":[\"x\"]", "\"stop\": [ \"x\" ]"),
        ("seed", "\"seed\":9", "\"seed\": \"9\""), ("min_p", "\"min_p\":0.25", "\"minP\": 0.25"),
        ("repetition_penalty", "\"repetition_penalty\":1.25", "\"repetitionPenalty\": 1.25"),
        ("system", "\"system\":\"Be brief.\"", "\"role\": \"system\", \"content\": \"Be brief.\""),
        ("system", "\"system\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\",\"text\":\"b\"}]",
            "\"parts\": [ { \"text\": \"a\" }, { \"text\": \"b\" } ]"),
        ("thinking", "\"thinking\":{\"type\":\"enabled\"}", "enable_thinking\\\":true"),
        ("thinking.budget_tokens", "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":40}", "\"tokensMax\": 40"),
        ("tool_choice", "\"tools\":[{\"name\":\"f\",\"input_schema\":{}}],\"tool_choice\":{\"type\":\"any\"}", "\"structuralTag\":"),
        ("tool_choice", "\"tools\":[{\"name\":\"f\",\"input_schema\":{}},{\"name\":\"g\",\"input_schema\":{}}],"
            + "\"tool_choice\":{\"type\":\"tool\",\"name\":\"g\"}", "\"structuralTag\":"),
        ("thinking.display", "\"thinking\":{\"type\":\"adaptive\",\"display\":\"summarized\"}", "\"role\": \"user\""),
        ("output_config.effort", "\"output_config\":{\"effort\":\"low\"}", "reasoning_effort\\\":\\\"low"),
        ("output_config.format", "\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"array\"}}}",
            "\"jsonSchema\": \"{\\\"type\\\":\\\"array\\\"}\""),
        ("output_format", "\"output_format\":{\"type\":\"json_schema\",\"schema\":{\"type\":\"array\"}}",
            "\"jsonSchema\": \"{\\\"type\\\":\\\"array\\\"}\""),
        ("tools", "\"tools\":[{\"name\":\"f\",\"description\":\"d\",\"input_schema\":{\"type\":\"object\"}}]",
            "{\\\"type\\\":\\\"function\\\",\\\"function\\\":{\\\"name\\\":\\\"f\\\",\\\"description\\\":\\\"d\\\",\\\"parameters\\\":"
            + "{\\\"type\\\":\\\"object\\\"}}}"),
        ("tool_choice",
            "\"tools\":[{\"name\":\"f\",\"input_schema\":{}}],\"tool_choice\":{\"type\":\"auto\",\"disable_parallel_tool_use\":true}",
            "\\\"name\\\":\\\"f\\\""),
    ];

    /// <summary>400, with what the message begins with.</summary>
    public static readonly (string Field, string Json, string Message)[] Refused =
    [
        ("temperature", "\"temperature\":1.5", "temperature must be between 0 and 1 (it is 1.5)"),
        ("top_k", "\"top_k\":\"many\"", "top_k must be"),
        ("container", "\"container\":\"c1\"", "container is supported as null or an empty value only (it is 'c1')"),
        ("mcp_servers", "\"mcp_servers\":[{\"url\":\"https://x\"}]", "mcp_servers is supported as null or an empty value only"),
        ("context_management", "\"context_management\":{\"edits\":[{\"type\":\"clear\"}]}", "context_management is supported as"),
        ("context_management", "\"context_management\":\"all\"", "context_management must be an object"),
        ("inference_geo", "\"inference_geo\":\"us\"", "inference_geo is supported as 'global' only (it is 'us')"),
        ("thinking", "\"thinking\":{\"type\":\"between_tools\"}", "thinking.type is supported as"),
        ("thinking.display", "\"thinking\":{\"type\":\"enabled\",\"display\":\"all\"}", "thinking.display is supported as"),
        ("output_config.format", "\"output_config\":{\"format\":{\"type\":\"xml\"}}", "output_config.format.type is supported as"),
        ("output_config.effort", "\"output_config\":{\"effort\":\"huge\"}", "output_config.effort must be"),
        ("tools", "\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}]",
            "tools[0].type 'web_search_20250305' is a tool that Anthropic's servers run or define"),
        ("tools", "\"tools\":[{\"name\":\"f\"}]", "tools[0].input_schema is missing"),
        ("tools", "\"tools\":[{\"input_schema\":{}}]", "tools[0].name is missing"),
        ("tool_choice", "\"tools\":[{\"name\":\"f\",\"input_schema\":{}}],\"tool_choice\":{\"type\":\"tool\",\"name\":\"g\"}",
            "tool_choice names the function 'g', which is not among the tools"),
        ("tool_choice", "\"tool_choice\":{\"type\":\"any\"}", "tool_choice asks for a call, and there are no tools"),
        ("tool_choice", "\"tool_choice\":{\"type\":\"maybe\"}", "tool_choice.type must be auto, any, tool or none"),
        ("system", "\"system\":[{\"type\":\"image\"}]", "system[0].type 'image' is not supported"),
        ("stop_sequences", "\"stop_sequences\":\"x\"", "stop_sequences must be an array"),
    ];
}
