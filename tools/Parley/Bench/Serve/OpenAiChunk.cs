using System.Text.Json;

namespace Parley.Cli.Bench.Serve;

/// <summary>What one event of a streamed completion says, as far as a load generator cares; read without building a document.</summary>
internal readonly record struct OpenAiChunk
{
    /// <summary>The stream's last event.</summary>
    public bool IsDone { get; private init; }

    /// <summary>Carries text of an answer, of a thought or of a tool call.</summary>
    public bool HasText { get; private init; }

    /// <summary>Says how the answer ended.</summary>
    public bool HasFinished { get; private init; }

    public bool HasUsage { get; private init; }

    public int PromptTokens { get; private init; }

    public int CachedTokens { get; private init; }

    public int CompletionTokens { get; private init; }

    /// <summary>The event is an error: its JSON.</summary>
    public string? Error { get; private init; }

    /// <exception cref="JsonException">It is not JSON.</exception>
    public static OpenAiChunk Read(ReadOnlySpan<byte> data)
    {
        if (data.SequenceEqual("[DONE]"u8))
            return new OpenAiChunk { IsDone = true };
        var chunk = default(OpenAiChunk);
        var reader = new Utf8JsonReader(data);
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName)
                continue;
            chunk = ReadProperty(ref reader, data, chunk);
        }

        return chunk;
    }

    private static OpenAiChunk ReadProperty(ref Utf8JsonReader reader, ReadOnlySpan<byte> data, OpenAiChunk chunk)
    {
        if (reader.CurrentDepth == 1 && reader.ValueTextEquals("error"u8))
            return chunk with { Error = ReadText(ref reader, data) };
        if (reader.ValueTextEquals("content"u8) || reader.ValueTextEquals("reasoning_content"u8) || reader.ValueTextEquals("arguments"u8))
            return ReadsString(ref reader) ? chunk with { HasText = true } : chunk;
        if (reader.ValueTextEquals("finish_reason"u8))
            return ReadsString(ref reader) ? chunk with { HasFinished = true } : chunk;
        if (reader.ValueTextEquals("prompt_tokens"u8) && TryReadNumber(ref reader, out var promptTokens))
            return chunk with { HasUsage = true, PromptTokens = promptTokens };
        if (reader.ValueTextEquals("completion_tokens"u8) && TryReadNumber(ref reader, out var completionTokens))
            return chunk with { HasUsage = true, CompletionTokens = completionTokens };
        if (reader.ValueTextEquals("cached_tokens"u8) && TryReadNumber(ref reader, out var cachedTokens))
            return chunk with { CachedTokens = cachedTokens };
        return chunk;
    }

    private static bool ReadsString(ref Utf8JsonReader reader) =>
        reader.Read() && reader.TokenType == JsonTokenType.String && !reader.ValueSpan.IsEmpty;

    private static bool TryReadNumber(ref Utf8JsonReader reader, out int number)
    {
        number = 0;
        return reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out number);
    }

    private static string ReadText(ref Utf8JsonReader reader, ReadOnlySpan<byte> data)
    {
        reader.Read();
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return System.Text.Encoding.UTF8.GetString(data[start..(int)reader.BytesConsumed]);
    }
}
