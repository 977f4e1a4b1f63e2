using Parley.Tokenizer;
using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Templating;
using Parley.Tokenizer.Templating.Values;

namespace Parley.ModelPackages;

/// <summary>
/// The text that int4 is rounded for unless told otherwise: chats, prose and code, some of it not in English. Chats are written in the
/// model's own template, since that is what it will read.
/// </summary>
internal static class CalibrationText
{
    private const string Resource = "calibration.txt";
    private const string PartMark = "=== ";
    private const string MessageMark = "--- ";
    private const string Chat = "chat";

    /// <summary>Encodes the text, part after part.</summary>
    /// <param name="folder">A folder with a tokenizer.</param>
    /// <param name="tokensMax">Ids that are kept.</param>
    /// <exception cref="InvalidDataException">The tokenizer is missing, broken or not supported.</exception>
    public static int[] Encode(string folder, int tokensMax)
    {
        var model = TokenizerModel.Load(new TokenizerOptions { PackageDirectory = folder }, new FixedClock());
        var ids = new List<int>();
        foreach (var (head, body) in Split(Read(), PartMark))
        {
            if (ids.Count >= tokensMax)
                break;
            AddPart(model, head, body, ids);
        }

        return [.. ids.Take(tokensMax)];
    }

    private static void AddPart(TokenizerModel model, string head, string body, List<int> ids)
    {
        var count = ids.Count;
        try
        {
            if (head == Chat && TryRender(model, body, out var rendered))
                model.Tokenizer.Encode(rendered.Text, rendered.UserRanges, addSpecialTokens: false, ids);
            else
                model.Tokenizer.Encode(Plain(body), UserRanges.None, addSpecialTokens: true, ids);
        }
        catch (UncoveredTextException)
        {
            // A model that has no token for a script is not asked to read it.
            ids.RemoveRange(count, ids.Count - count);
        }
    }

    /// <summary>A model may have no template, and a template may refuse a system message: the words serve without it, too.</summary>
    private static bool TryRender(TokenizerModel model, string body, out RenderedChat rendered)
    {
        try
        {
            DictionaryValue[] messages = [.. Split(body, MessageMark).Select(message => new DictionaryValue(
                [new(new TextValue("role"), new TextValue(message.Head)), new(new TextValue("content"), new TextValue(message.Body))]))];
            rendered = model.FindTemplate("", hasTools: false).Render(new ChatInput(
                messages, NoneValue.Instance, NoneValue.Instance, AddGenerationPrompt: false, ContinueFinalMessage: false, []));
            return true;
        }
        catch (Exception exception) when (exception is TemplateException or RequestException)
        {
            rendered = null!;
            return false;
        }
    }

    private static string Plain(string body) =>
        body.StartsWith(MessageMark, StringComparison.Ordinal)
            ? string.Join("\n\n", Split(body, MessageMark).Select(message => message.Body))
            : body;

    /// <summary>What follows each line that begins with a mark; the rest of that line is its head.</summary>
    private static IEnumerable<(string Head, string Body)> Split(string text, string mark) =>
        from part in ('\n' + text).Split('\n' + mark).Skip(1)
        let end = part.IndexOf('\n', StringComparison.Ordinal)
        select (part[..end], part[(end + 1)..].Trim('\n'));

    private static string Read()
    {
        using var stream = typeof(CalibrationText).Assembly.GetManifestResourceStream(Resource)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }

    /// <summary>Templates that write the date must not make a package depend on the day.</summary>
    private sealed class FixedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    }
}
