using System.Text.RegularExpressions;

namespace Parley.EndToEnd.Tests.Reflection;

/// <summary>A line of grpcurl as documents have it.</summary>
/// <param name="Text">As it stands.</param>
/// <param name="Port">Of the address.</param>
/// <param name="Headers">Metadata of <c>-H</c>.</param>
/// <param name="Body">JSON of <c>-d</c>; an empty object where there is none.</param>
/// <param name="Words">What follows the address: a verb and perhaps a symbol, or a method.</param>
internal sealed partial record GrpcurlLine(
    string Text, int Port, IReadOnlyList<(string Name, string Value)> Headers, string Body, IReadOnlyList<string> Words)
{
    /// <summary>The lines of a document: commands of their own, continued by backslashes, and those in brackets.</summary>
    public static IEnumerable<GrpcurlLine> In(string document) => Command()
        .Matches(document.ReplaceLineEndings("\n").Replace("\\\n", " ", StringComparison.Ordinal))
        .Select(match => Parse(match.Groups["line"].Value.Trim()));

    private static GrpcurlLine Parse(string text)
    {
        var words = new Queue<string>(Word().Matches(text).Select(match => match.Value.Replace("'", "", StringComparison.Ordinal)).Skip(1));
        var (headers, body) = (new List<(string, string)>(), "{}");
        while (words.TryPeek(out var option) && option.StartsWith('-'))
        {
            words.Dequeue();
            switch (option)
            {
                case "-plaintext":
                    break;
                case "-d":
                    body = words.Dequeue();
                    break;
                case "-H":
                    var header = words.Dequeue().Split(':', 2);
                    headers.Add((header[0].Trim(), header[1].Trim()));
                    break;
                default:
                    Assert.Fail($"{text}: the option {option} is not known to this test.");
                    break;
            }
        }

        return new GrpcurlLine(text, int.Parse(words.Dequeue().Split(':')[^1]), headers, body, [.. words]);
    }

    [GeneratedRegex(@"^(?<line>grpcurl -.*)$|\((?<line>grpcurl -[^)]*)\)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Command();

    /// <summary>A word of a shell, of which a part may stand in single quotes.</summary>
    [GeneratedRegex(@"(?:[^\s']|'[^']*')+")]
    private static partial Regex Word();
}
