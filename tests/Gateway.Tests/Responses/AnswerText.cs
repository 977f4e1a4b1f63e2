using Parley.Gateway.Responses.Answers;
using Parley.Gateway.Responses.Formats;

namespace Parley.Gateway.Tests.Responses;

/// <summary>What the server tells of an answer, gathered as a client gathers it.</summary>
internal sealed class AnswerText
{
    public string Content { get; private set; } = "";

    public string Reasoning { get; private set; } = "";

    public SortedDictionary<int, (string Id, string Name, string Arguments)> Calls { get; } = [];

    /// <summary>Arguments came in so many pieces.</summary>
    public int ArgumentPieces { get; private set; }

    public int Dropped { get; private set; }

    public string Written => $"content={Content}|reasoning={Reasoning}|calls="
        + string.Join(";", Calls.Values.Select(call => call.Name + call.Arguments));

    /// <summary>Reads an answer in pieces.</summary>
    public static AnswerText Read(
        string format, string prompt, IEnumerable<string> pieces, string[]? tools = null, string[]? special = null,
        bool isSingle = false) =>
        Read(ResponseFormats.All.Single(one => one.Name == format), prompt, pieces, tools, special, isSingle);

    public static AnswerText Read(
        ResponseFormat format, string prompt, IEnumerable<string> pieces, string[]? tools = null, string[]? special = null,
        bool isSingle = false)
    {
        var reader = new AnswerReader(format, prompt, tools ?? [], isSingle);
        var answer = new AnswerText();
        var parts = new List<AnswerPart>();
        foreach (var piece in pieces)
        {
            var ranges = (special ?? []).SelectMany(mark => Places(piece, mark)).OrderBy(range => range.Start).ToArray();
            reader.Read(piece, ranges, parts);
        }

        reader.Finish(parts);
        foreach (var part in parts)
            answer.Add(part);
        return answer;
    }

    private static IEnumerable<(int Start, int Length)> Places(string text, string mark)
    {
        for (var at = text.IndexOf(mark, StringComparison.Ordinal); at >= 0; at = text.IndexOf(mark, at + 1, StringComparison.Ordinal))
            yield return (at, mark.Length);
    }

    private void Add(AnswerPart part)
    {
        switch (part)
        {
            case AnswerPart.Content text:
                Content += text.Text;
                break;
            case AnswerPart.Reasoning text:
                Reasoning += text.Text;
                break;
            case AnswerPart.CallStarted started:
                Calls.Add(started.Index, (started.Id, started.Name, ""));
                break;
            case AnswerPart.CallArguments more:
                ArgumentPieces++;
                var call = Calls[more.Index];
                Calls[more.Index] = call with { Arguments = call.Arguments + more.Text };
                break;
            case AnswerPart.CallDropped dropped:
                Dropped++;
                Calls.Remove(dropped.Index);
                break;
        }
    }
}
