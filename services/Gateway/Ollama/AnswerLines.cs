using System.Globalization;
using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.Ollama;

/// <summary>Writes the objects of an answer: its lines, or the whole.</summary>
/// <param name="model">Served name.</param>
/// <param name="isChat">A message, or the bare text of a prompt's answer.</param>
/// <param name="pieces">Of tokens with log-probabilities.</param>
/// <param name="time">The clock.</param>
internal sealed class AnswerLines(string model, bool isChat, PieceTable pieces, TimeProvider time)
{
    private const long NanosecondsPerTick = 100;

    /// <summary>More of an answer.</summary>
    public void WriteDelta(Utf8JsonWriter json, ChatUpdate.Delta delta)
    {
        Open(json);
        WriteText(json, delta.Text, delta.Reasoning, []);
        json.WriteBoolean("done", false);
        WriteLogprobs(json, delta.Logprobs, delta.Ids);
        json.WriteEndObject();
    }

    /// <summary>The calls of an answer, which are told when they are whole.</summary>
    public void WriteCalls(Utf8JsonWriter json, ChatCompletionResult.Choice answer)
    {
        Open(json);
        WriteText(json, "", "", answer.Calls.Values);
        json.WriteBoolean("done", false);
        json.WriteEndObject();
    }

    /// <summary>The last line: how it ended, and what it took.</summary>
    public void WriteEnd(Utf8JsonWriter json, ChatCompletionResult result, IReadOnlyList<int>? context)
    {
        Open(json);
        WriteText(json, "", "", []);
        WriteDone(json, result, context);
        json.WriteEndObject();
    }

    /// <summary>All of it in one object.</summary>
    public void WriteWhole(Utf8JsonWriter json, ChatCompletionResult result, IReadOnlyList<int>? context)
    {
        var answer = result.Choices[0];
        Open(json);
        WriteText(json, answer.Text.ToString(), answer.Reasoning.ToString(), answer.Calls.Values);
        WriteLogprobs(json, answer.Logprobs, answer.Ids.ToArray());
        WriteDone(json, result, context);
        json.WriteEndObject();
    }

    /// <summary>What is said where nothing was asked: the model is loaded.</summary>
    public void WriteLoaded(Utf8JsonWriter json)
    {
        Open(json);
        WriteText(json, "", "", []);
        json.WriteBoolean("done", true);
        json.WriteString("done_reason", "load");
        json.WriteEndObject();
    }

    /// <summary>A time as Ollama writes it.</summary>
    public static string Text(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture);

    private void Open(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("model", model);
        json.WriteString("created_at", Text(time.GetUtcNow()));
    }

    private void WriteText(
        Utf8JsonWriter json, string text, string thinking,
        IReadOnlyCollection<(string Id, string Name, System.Text.StringBuilder Arguments)> calls)
    {
        if (isChat)
        {
            json.WriteStartObject("message");
            json.WriteString("role", "assistant");
        }

        json.WriteString(isChat ? "content" : "response", text);
        if (thinking.Length > 0)
            json.WriteString("thinking", thinking);
        if (calls.Count > 0)
            WriteCalls(json, calls);
        if (isChat)
            json.WriteEndObject();
    }

    private static void WriteCalls(
        Utf8JsonWriter json, IReadOnlyCollection<(string Id, string Name, System.Text.StringBuilder Arguments)> calls)
    {
        json.WriteStartArray("tool_calls");
        var index = 0;
        foreach (var (id, name, arguments) in calls)
        {
            json.WriteStartObject();
            json.WriteString("id", id);
            json.WriteStartObject("function");
            json.WriteNumber("index", index++);
            json.WriteString("name", name);
            json.WritePropertyName("arguments");
            json.WriteRawValue(arguments.Length > 0 ? arguments.ToString() : "{}");
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteDone(Utf8JsonWriter json, ChatCompletionResult result, IReadOnlyList<int>? context)
    {
        var (usage, timings) = (result.Completed.Usage, result.Completed.Timings);
        json.WriteBoolean("done", true);
        json.WriteString("done_reason", result.Choices[0].Finished?.Reason == ChatFinishReason.Length ? "length" : "stop");
        if (context is not null)
        {
            json.WriteStartArray("context");
            foreach (var number in context)
                json.WriteNumberValue(number);
            json.WriteEndArray();
        }

        json.WriteNumber("total_duration", timings.Total.Ticks * NanosecondsPerTick);
        json.WriteNumber("load_duration", 0);
        json.WriteNumber("prompt_eval_count", usage.PromptTokens);
        json.WriteNumber("prompt_eval_duration", timings.Prefill.Ticks * NanosecondsPerTick);
        json.WriteNumber("eval_count", usage.CompletionTokens);
        json.WriteNumber("eval_duration", timings.Decode.Ticks * NanosecondsPerTick);
    }

    private void WriteLogprobs(Utf8JsonWriter json, IReadOnlyList<TokenLogprobs> logprobs, ReadOnlyMemory<uint> ids)
    {
        if (logprobs.Count == 0)
            return;
        json.WriteStartArray("logprobs");
        var opens = pieces.Begin(0);
        for (var index = 0; index < logprobs.Count; index++, opens = false)
        {
            json.WriteStartObject();
            ChatCompletionWriter.WriteToken(json, pieces.Find(ids.Span[index], opens), logprobs[index].Logprob);
            if (logprobs[index].Top.Count > 0)
            {
                json.WriteStartArray("top_logprobs");
                foreach (var top in logprobs[index].Top)
                {
                    json.WriteStartObject();
                    ChatCompletionWriter.WriteToken(json, pieces.Find(top.Id, opens), top.Logprob);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
