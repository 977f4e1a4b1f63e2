using System.Text.Encodings.Web;
using System.Text.Json;
using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>Writes the objects of one chat completion: its chunks, or the whole.</summary>
internal sealed class ChatCompletionWriter(
    string id, long createdSeconds, string model, string fingerprint, bool includeUsage, PieceTable pieces,
    bool isToolNamed = false)
{
    /// <summary>The text is JSON on its own and never part of a page, so only what JSON itself needs is escaped.</summary>
    public static readonly JsonWriterOptions JsonOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public void WriteRole(Utf8JsonWriter json, uint choice)
    {
        OpenChunk(json, choice);
        json.WriteString("role", "assistant");
        json.WriteString("content", "");
        CloseChunk(json, choice, [], default, null);
    }

    public void WriteDelta(Utf8JsonWriter json, ChatUpdate.Delta delta)
    {
        OpenChunk(json, delta.Choice);
        if (delta.Reasoning.Length > 0)
            json.WriteString("reasoning_content", delta.Reasoning);
        if (delta.Text.Length > 0 || !delta.TellsSomething)
            json.WriteString("content", delta.Text);
        WriteCalls(json, delta.Calls);
        CloseChunk(json, delta.Choice, delta.Logprobs, delta.Ids, null);
    }

    public void WriteFinish(Utf8JsonWriter json, ChatUpdate.ChoiceFinished finished)
    {
        OpenChunk(json, finished.Choice);
        CloseChunk(json, finished.Choice, [], default, finished);
    }

    /// <summary>The last chunk where usage was asked for: no choices.</summary>
    public void WriteUsage(Utf8JsonWriter json, ChatUpdate.Completed completed)
    {
        OpenObject(json, "chat.completion.chunk");
        json.WriteStartArray("choices");
        json.WriteEndArray();
        WriteUsageAndTimings(json, completed);
        json.WriteEndObject();
    }

    public void WriteWhole(Utf8JsonWriter json, ChatCompletionResult result)
    {
        OpenObject(json, "chat.completion");
        json.WriteStartArray("choices");
        for (var choice = 0; choice < result.Choices.Count; choice++)
        {
            var answer = result.Choices[choice];
            json.WriteStartObject();
            json.WriteNumber("index", choice);
            json.WriteStartObject("message");
            json.WriteString("role", "assistant");
            if (answer.Text.Length > 0 || answer.Calls.Count == 0)
                json.WriteString("content", answer.Text.ToString());
            else
                json.WriteNull("content");
            if (answer.Reasoning.Length > 0)
                json.WriteString("reasoning_content", answer.Reasoning.ToString());
            json.WriteNull("refusal");
            WriteCalls(json, answer);
            json.WriteEndObject();
            WriteLogprobs(json, (uint)choice, answer.Logprobs, answer.Ids.ToArray());
            WriteFinishReason(json, answer.Finished);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (result.PromptLogprobs.Count > 0)
            PromptLogprobsWriter.Write(json, result.PromptLogprobs, pieces);
        WriteUsageAndTimings(json, result.Completed);
        json.WriteEndObject();
    }

    /// <summary>News of calls; what turned out to be none was told as content and cannot be taken back.</summary>
    private static void WriteCalls(Utf8JsonWriter json, IReadOnlyList<ChatCallDelta> calls)
    {
        if (calls.All(call => call.IsDropped))
            return;
        json.WriteStartArray("tool_calls");
        foreach (var call in calls.Where(call => !call.IsDropped))
        {
            json.WriteStartObject();
            json.WriteNumber("index", call.Index);
            if (call.Id is not null)
            {
                json.WriteString("id", call.Id);
                json.WriteString("type", "function");
            }

            json.WriteStartObject("function");
            if (call.Name is not null)
                json.WriteString("name", call.Name);
            json.WriteString("arguments", call.Arguments);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteCalls(Utf8JsonWriter json, ChatCompletionResult.Choice answer)
    {
        if (answer.Calls.Count == 0)
            return;
        json.WriteStartArray("tool_calls");
        foreach (var (id, name, arguments) in answer.Calls.Values)
        {
            json.WriteStartObject();
            json.WriteString("id", id);
            json.WriteString("type", "function");
            json.WriteStartObject("function");
            json.WriteString("name", name);
            json.WriteString("arguments", arguments.ToString());
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void OpenObject(Utf8JsonWriter json, string kind)
    {
        json.WriteStartObject();
        json.WriteString("id", id);
        json.WriteString("object", kind);
        json.WriteNumber("created", createdSeconds);
        json.WriteString("model", model);
        json.WriteString("system_fingerprint", fingerprint);
    }

    private void OpenChunk(Utf8JsonWriter json, uint choice)
    {
        OpenObject(json, "chat.completion.chunk");
        json.WriteStartArray("choices");
        json.WriteStartObject();
        json.WriteNumber("index", choice);
        json.WriteStartObject("delta");
    }

    private void CloseChunk(
        Utf8JsonWriter json, uint choice, IReadOnlyList<TokenLogprobs> logprobs, ReadOnlyMemory<uint> ids,
        ChatUpdate.ChoiceFinished? finished)
    {
        json.WriteEndObject();
        WriteLogprobs(json, choice, logprobs, ids);
        WriteFinishReason(json, finished);
        json.WriteEndObject();
        json.WriteEndArray();
        if (includeUsage)
            json.WriteNull("usage");
        json.WriteEndObject();
    }

    /// <summary>As OpenAI does, an answer that had to call a given function has not chosen to: it just ends.</summary>
    private void WriteFinishReason(Utf8JsonWriter json, ChatUpdate.ChoiceFinished? finished)
    {
        if (finished is null)
        {
            json.WriteNull("finish_reason");
            return;
        }

        json.WriteString("finish_reason", finished.Reason switch
        {
            ChatFinishReason.Length => "length",
            ChatFinishReason.ToolCalls when !isToolNamed => "tool_calls",
            _ => "stop",
        });
        // What ended it: an extension that other servers have too.
        if (finished.Stop is not null)
            json.WriteString("stop_reason", finished.Stop);
        else if (finished.StopTokenId is { } id)
            json.WriteNumber("stop_reason", id);
    }

    private void WriteLogprobs(Utf8JsonWriter json, uint choice, IReadOnlyList<TokenLogprobs> logprobs, ReadOnlyMemory<uint> ids)
    {
        if (logprobs.Count == 0)
        {
            json.WriteNull("logprobs");
            return;
        }

        json.WriteStartObject("logprobs");
        json.WriteStartArray("content");
        var opens = pieces.Begin(choice);
        for (var index = 0; index < logprobs.Count; index++, opens = false)
        {
            json.WriteStartObject();
            WriteToken(json, pieces.Find(ids.Span[index], opens), logprobs[index].Logprob);
            json.WriteStartArray("top_logprobs");
            foreach (var top in logprobs[index].Top)
            {
                json.WriteStartObject();
                WriteToken(json, pieces.Find(top.Id, opens), top.Logprob);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteNull("refusal");
        json.WriteEndObject();
    }

    /// <summary>JSON has no infinity; OpenAI's own stand-in for a token that cannot be drawn is −9999.</summary>
    public static float Finite(float logprob) => float.IsFinite(logprob) ? logprob : -9999f;

    /// <summary>Text, log-probability and bytes of a token, as members.</summary>
    public static void WriteToken(Utf8JsonWriter json, TokenPiece piece, float logprob)
    {
        json.WriteString("token", piece.Text);
        json.WriteNumber("logprob", Finite(logprob));
        json.WriteStartArray("bytes");
        foreach (var value in piece.Utf8.Span)
            json.WriteNumberValue(value);
        json.WriteEndArray();
    }

    private static void WriteUsageAndTimings(Utf8JsonWriter json, ChatUpdate.Completed completed)
    {
        var usage = completed.Usage;
        json.WriteStartObject("usage");
        json.WriteNumber("prompt_tokens", usage.PromptTokens);
        json.WriteNumber("completion_tokens", usage.CompletionTokens);
        json.WriteNumber("total_tokens", usage.PromptTokens + usage.CompletionTokens);
        json.WriteStartObject("prompt_tokens_details");
        json.WriteNumber("cached_tokens", usage.CachedTokens);
        json.WriteEndObject();
        json.WriteStartObject("completion_tokens_details");
        json.WriteNumber("reasoning_tokens", usage.ReasoningTokens);
        json.WriteEndObject();
        json.WriteEndObject();
        var timings = completed.Timings;
        json.WriteStartObject("timings");
        json.WriteNumber("template_ms", timings.Template.TotalMilliseconds);
        json.WriteNumber("encode_ms", timings.Encode.TotalMilliseconds);
        json.WriteNumber("queue_ms", timings.Queue.TotalMilliseconds);
        json.WriteNumber("prefill_ms", timings.Prefill.TotalMilliseconds);
        json.WriteNumber("decode_ms", timings.Decode.TotalMilliseconds);
        json.WriteNumber("total_ms", timings.Total.TotalMilliseconds);
        if (timings.Resumes > 0)
        {
            json.WriteNumber("resumes", timings.Resumes);
            json.WriteNumber("inexact_resumes", timings.InexactResumes);
        }

        json.WriteEndObject();
    }
}
