using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;

namespace Parley.Gateway.ResponsesApi;

/// <summary>A token of an answer's text with its log-probability and those of the likeliest in its place.</summary>
internal sealed record OutputLogprob(TokenPiece Piece, float Logprob, IReadOnlyList<(TokenPiece Piece, float Logprob)> Top)
{
    public static void Write(Utf8JsonWriter json, IReadOnlyList<OutputLogprob> tokens)
    {
        json.WriteStartArray("logprobs");
        foreach (var token in tokens)
        {
            json.WriteStartObject();
            ChatCompletionWriter.WriteToken(json, token.Piece, token.Logprob);
            json.WriteStartArray("top_logprobs");
            foreach (var (piece, logprob) in token.Top)
            {
                json.WriteStartObject();
                ChatCompletionWriter.WriteToken(json, piece, logprob);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
