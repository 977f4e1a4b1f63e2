using System.Text;
using System.Text.Json.Nodes;

namespace Parley.Gateway.Responses.Formats;

/// <summary>
/// How a format writes calls: what a structural tag is built of. A list of calls is <see cref="Begin"/>, calls with
/// <see cref="Between"/> between them, <see cref="End"/>; a call is its parts, one behind the other.
/// </summary>
/// <param name="Triggers">Texts after which nothing but calls may follow.</param>
/// <param name="Tokens">Texts that are one token where the vocabulary has them as one.</param>
/// <param name="Begin">Before the first call.</param>
/// <param name="Between">Between two calls; null where there is one call only.</param>
/// <param name="End">Behind the last call.</param>
/// <param name="Stop">What ends the answer behind all of it, where nothing else ends the calls; empty where text may follow.</param>
/// <param name="Call">The parts of a call.</param>
internal sealed record CallGrammar(
    IReadOnlyList<string> Triggers, IReadOnlyList<string> Tokens, string Begin, string? Between, string End, string Stop,
    IReadOnlyList<CallPart> Call)
{
    /// <exception cref="Values.ResponseFormatException">It describes no calls.</exception>
    public static CallGrammar Read(JsonObject node) => new(
        Texts(node["triggers"]), Texts(node["tokens"]), Text(node["begin"]) ?? "", Text(node["between"]), Text(node["end"]) ?? "",
        Text(node["stop"]) ?? "",
        [.. node["call"]!.AsArray().Select(part => CallPart.Read(part!.AsObject()))]);

    /// <summary>Some calls as this format writes them.</summary>
    /// <exception cref="ArgumentException">There are several, and the format knows one only.</exception>
    public string Write(IReadOnlyList<(string Name, JsonObject Arguments)> calls)
    {
        if (calls.Count > 1 && Between is null)
            throw new ArgumentException("This format writes one call at a time.", nameof(calls));
        var text = new StringBuilder(Begin);
        for (var index = 0; index < calls.Count; index++)
        {
            if (index > 0)
                text.Append(Between);
            foreach (var part in Call)
                part.Write(index, calls[index].Name, calls[index].Arguments, text);
        }

        return text.Append(End).Append(Stop).ToString();
    }

    private static string[] Texts(JsonNode? node) => [.. node!.AsArray().Select(one => one!.GetValue<string>())];

    private static string? Text(JsonNode? node) => node?.GetValue<string>();
}
