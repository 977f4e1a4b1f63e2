using Parley.TestSupport;

namespace Parley.Embedded.Tests;

/// <summary>The demo model with a chat template that writes tools, calls and results, and a response template that reads calls.</summary>
internal static class ToolModel
{
    private const string ChatTemplate =
        """
        {{- '<|begin|>' -}}
        {%- if tools -%}{{- '<|system|>' + (tools | tojson) + '<|end|>' -}}{%- endif -%}
        {%- for message in messages -%}
            {{- '<|assistant|>' if message['role'] == 'assistant' else '<|user|>' -}}
            {%- for call in message['tool_calls'] or [] -%}
                {{- '<call>' + (call['function'] | tojson) + '</call>' -}}
            {%- endfor -%}
            {{- (message['content'] or '') | trim -}}
            {{- '<|end|>' -}}
        {%- endfor -%}
        {%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}
        """;

    private const string ResponseTemplate =
        """
        {
          "start_anchor": "<|assistant|>",
          "fields": {
            "tool_calls": {
              "open": "<call>", "close": "</call>", "repeats": true, "content": "json",
              "transform": {"type": "function", "function": {"name": "{content.name}", "arguments": "{content.arguments}"}}
            },
            "content": {"close": "<|end|>"}
          }
        }
        """;

    /// <summary>Writes the Hugging Face folder and returns it.</summary>
    public static string Write(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var path in Directory.GetFiles(Shared.DemoModel))
            File.Copy(path, Path.Combine(folder, Path.GetFileName(path)));
        File.WriteAllText(Path.Combine(folder, "chat_template.jinja"), ChatTemplate);
        File.WriteAllText(Path.Combine(folder, "response_template.json"), ResponseTemplate);
        return folder;
    }
}
