using System.Text;
using System.Text.Json;

namespace Parley.EndToEnd.Tests;

/// <summary>One question in each protocol, on the demo model: the same prompt, the same answer, the same counts.</summary>
[Collection(DemoCollection.Name)]
public sealed class ProtocolTests(DemoSystem system)
{
    private const string Messages = "\"messages\":[{\"role\":\"user\",\"content\":\"what is a token?\"}]";
    private const string Greedy = ",\"temperature\":0,\"max_tokens\":24";
    private const string Options = ",\"options\":{\"temperature\":0,\"num_predict\":24}";

    [Fact]
    public async Task Question_InEachProtocol_HasOneAnswer()
    {
        var openAi = JsonDocument.Parse(await PostAsync("/v1/chat/completions", Messages + Greedy)).RootElement;
        var anthropic = JsonDocument.Parse(await PostAsync("/v1/messages", Messages + Greedy)).RootElement;
        var counted = JsonDocument.Parse(await PostAsync("/v1/messages/count_tokens", Messages)).RootElement;
        var ollama = JsonDocument.Parse(await PostAsync("/api/chat", Messages + Options + ",\"stream\":false")).RootElement;
        var prompt = JsonDocument.Parse(
            await PostAsync("/api/generate", "\"prompt\":\"what is a token?\",\"stream\":false" + Options)).RootElement;

        var text = openAi.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString();
        var usage = openAi.GetProperty("usage");
        var expected = (text, usage.GetProperty("prompt_tokens").GetInt32(), usage.GetProperty("completion_tokens").GetInt32());
        Assert.NotEqual("", text);
        usage = anthropic.GetProperty("usage");
        Assert.Equal(expected, (anthropic.GetProperty("content")[0].GetProperty("text").GetString(),
            usage.GetProperty("input_tokens").GetInt32() + usage.GetProperty("cache_read_input_tokens").GetInt32(),
            usage.GetProperty("output_tokens").GetInt32()));
        Assert.Equal(expected.Item2, counted.GetProperty("input_tokens").GetInt32());
        Assert.Equal(expected, (ollama.GetProperty("message").GetProperty("content").GetString(),
            ollama.GetProperty("prompt_eval_count").GetInt32(), ollama.GetProperty("eval_count").GetInt32()));
        Assert.Equal(expected, (prompt.GetProperty("response").GetString(),
            prompt.GetProperty("prompt_eval_count").GetInt32(), prompt.GetProperty("eval_count").GetInt32()));
        system.Log.AssertNoErrors();
    }

    [Fact]
    public async Task Question_Streamed_IsToldWhole()
    {
        var whole = JsonDocument.Parse(await PostAsync("/v1/messages", Messages + Greedy)).RootElement
            .GetProperty("content")[0].GetProperty("text").GetString();

        var events = (await PostAsync("/v1/messages", Messages + Greedy + ",\"stream\":true")).Split('\n')
            .Where(line => line.StartsWith("data: ", StringComparison.Ordinal))
            .Select(line => JsonDocument.Parse(line["data: ".Length..]).RootElement).ToArray();
        var lines = (await PostAsync("/api/chat", Messages + Options)).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement).ToArray();

        Assert.Equal("message_stop", events[^1].GetProperty("type").GetString());
        Assert.Equal(whole, string.Concat(events.Where(one => one.GetProperty("type").GetString() == "content_block_delta")
            .Select(one => one.GetProperty("delta").GetProperty("text").GetString())));
        Assert.True(lines[^1].GetProperty("done").GetBoolean());
        Assert.Equal(whole, string.Concat(lines.Select(line => line.GetProperty("message").GetProperty("content").GetString())));
        Assert.True(lines[^1].GetProperty("eval_duration").GetInt64() > 0);
    }

    private async Task<string> PostAsync(string path, string fields)
    {
        using var client = new HttpClient { BaseAddress = system.Http };
        using var response = await client.PostAsync(path, new StringContent($"{{{fields}}}", Encoding.UTF8, "application/json"));
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return text;
    }
}
