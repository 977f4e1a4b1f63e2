using System.Globalization;
using System.Text.Json;
using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>
/// Writes <c>prompt_logprobs</c> as vLLM does: for each token of the prompt an object by token id, the token itself first; null for the
/// first token, of which nothing can be said.
/// </summary>
internal static class PromptLogprobsWriter
{
    public static void Write(
        Utf8JsonWriter json, IReadOnlyList<(uint Id, PromptTokenLogprobs Token)> tokens, PieceTable pieces)
    {
        json.WriteStartArray("prompt_logprobs");
        json.WriteNullValue();
        foreach (var (id, token) in tokens)
        {
            json.WriteStartObject();
            WriteOne(json, id, token.Logprob, token.Rank, pieces);
            for (var i = 0; i < token.Top.Count; i++)
            {
                if (token.Top[i].Id != id)
                    WriteOne(json, token.Top[i].Id, token.Top[i].Logprob, (uint)i + 1, pieces);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteOne(Utf8JsonWriter json, uint id, float logprob, uint rank, PieceTable pieces)
    {
        json.WriteStartObject(id.ToString(CultureInfo.InvariantCulture));
        json.WriteNumber("logprob", ChatCompletionWriter.Finite(logprob));
        json.WriteNumber("rank", rank);
        json.WriteString("decoded_token", pieces.Find(id, opens: false).Text);
        json.WriteEndObject();
    }
}
