using System.Text;
using System.Text.RegularExpressions;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Jinja's <c>urlize</c>: addresses in a text become links.</summary>
internal sealed partial class LinkWriter
{
    private const int MatchTimeoutMs = 1000;

    private static readonly (string Open, string Close)[] Pairs = [("(", ")"), ("<", ">"), ("&lt;", "&gt;")];

    private readonly long? _limit;
    private readonly string _attributes;
    private readonly IReadOnlyList<string> _schemes;

    public LinkWriter(CallArguments arguments)
    {
        _limit = arguments.Find(0, "trim_url_limit") is { } limit and not NoneValue ? limit.ExpectInteger() : null;
        var relations = new SortedSet<string>(StringComparer.Ordinal) { "noopener" };
        relations.UnionWith((arguments.Text(3, "rel") ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        if (arguments.Flag(1, "nofollow", false))
            relations.Add("nofollow");
        var target = arguments.Text(2, "target");
        _attributes = $" rel=\"{Escaped(string.Join(' ', relations))}\""
            + (string.IsNullOrEmpty(target) ? "" : $" target=\"{Escaped(target)}\"");
        _schemes = arguments.Find(4, "extra_schemes") is { } schemes and not NoneValue
            ? [.. schemes.Iterate().Select(scheme => scheme.ExpectText("scheme"))] : [];
        foreach (var scheme in _schemes)
        {
            if (!Scheme().IsMatch(scheme))
            {
                throw new TemplateException("FilterArgumentError",
                    $"{PythonText.Repr(new TextValue(scheme)).Text} is not a valid URI scheme prefix.");
            }
        }
    }

    public TextValue Write(TextValue text)
    {
        var builder = new StringBuilder();
        var escaped = TextMethods.Escape(text).Text;
        for (var start = 0; start < escaped.Length;)
        {
            var isSpace = PythonCharacter.IsSpace(escaped[start]);
            var end = start;
            while (end < escaped.Length && PythonCharacter.IsSpace(escaped[end]) == isSpace)
                end++;
            var word = escaped[start..end];
            builder.Append(isSpace ? word : Word(word));
            start = end;
        }

        return TextValue.Derived(builder.ToString(), text);
    }

    private string Word(string word)
    {
        var head = Opening().Match(word).Value;
        var middle = word[head.Length..];
        var tail = Closing().Match(middle).Value;
        middle = middle[..^tail.Length];
        foreach (var (open, close) in Pairs)
        {
            // Brackets that the address itself opened belong to it.
            var opened = middle.AsSpan().Count(open);
            if (opened <= middle.AsSpan().Count(close))
                continue;
            for (var i = Math.Min(opened, tail.AsSpan().Count(close)); i > 0; i--)
            {
                var end = tail.IndexOf(close, StringComparison.Ordinal) + close.Length;
                (middle, tail) = (middle + tail[..end], tail[end..]);
            }
        }

        return head + Link(middle) + tail;
    }

    private string Link(string address)
    {
        try
        {
            if (Web().IsMatch(address))
            {
                var prefix = address.StartsWith("https://", StringComparison.Ordinal)
                    || address.StartsWith("http://", StringComparison.Ordinal) ? "" : "https://";
                return $"<a href=\"{prefix}{address}\"{_attributes}>{Shortened(address)}</a>";
            }

            if (address.StartsWith("mailto:", StringComparison.Ordinal) && Mail().IsMatch(address[7..]))
                return $"<a href=\"{address}\">{address[7..]}</a>";
            if (address.Contains('@') && !address.StartsWith("www.", StringComparison.Ordinal) && address[0] != '@'
                && !address.Contains(':') && Mail().IsMatch(address))
                return $"<a href=\"mailto:{address}\">{address}</a>";
        }
        catch (RegexMatchTimeoutException)
        {
            throw TemplateException.Limit("milliseconds to look for an address", MatchTimeoutMs);
        }

        foreach (var scheme in _schemes)
        {
            if (address != scheme && address.StartsWith(scheme, StringComparison.Ordinal))
                address = $"<a href=\"{address}\"{_attributes}>{address}</a>";
        }

        return address;
    }

    private string Shortened(string address) => _limit is { } limit && address.Length > limit
        ? ((TextValue)Members.Slice(new TextValue(address), null, TemplateValue.Of(limit), null)).Text + "..."
        : address;

    private static string Escaped(string text) => TextMethods.Escape(new TextValue(text)).Text;

    [GeneratedRegex(@"^[\w.+-]{2,}:/{0,2}\z")]
    private static partial Regex Scheme();

    [GeneratedRegex(@"^(?:[(<]|&lt;)+|")]
    private static partial Regex Opening();

    [GeneratedRegex(@"(?:[)>.,\n]|&gt;)+$|\z")]
    private static partial Regex Closing();

    // A scheme or www with a host, a host of a well-known domain, or a scheme with an IP address; then port, path, query, fragment.
    [GeneratedRegex(@"^(?:(?:https?://|www\.)(?:(?:[\w%-]+\.)+)?(?:[a-z]{2,63}|xn--[\w%]{2,59})"
        + @"|(?:[\w%-]{2,63}\.)+(?:com|net|int|edu|gov|org|info|mil)"
        + @"|https?://(?:\d{1,3}(?:\.\d{1,3}){3}|\[(?:[\da-f]{0,4}:){2}(?:[\da-f]{0,4}:?){1,6}\]))"
        + @"(?::\d{1,5})?(?:[/?#]\S*)?$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, MatchTimeoutMs)]
    private static partial Regex Web();

    [GeneratedRegex(@"^\S+@\w[\w.-]*\.\w+$", RegexOptions.None, MatchTimeoutMs)]
    private static partial Regex Mail();
}
