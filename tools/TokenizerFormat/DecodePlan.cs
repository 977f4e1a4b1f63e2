using System.Text;

namespace Parley.TokenizerFormat;

/// <summary>
/// The decoder of tokenizer.json, resolved into what can be done once per token at load (its bytes) and what is left for the stream.
/// </summary>
internal sealed class DecodePlan
{
    private readonly List<Func<string, string>> _rewrites = [];

    /// <summary>Tokens are written in GPT-2's stand-ins for bytes, and characters may be cut between tokens.</summary>
    public bool IsByteLevel { get; private set; }

    /// <summary><c>&lt;0xXX&gt;</c> is a byte.</summary>
    public bool FallsBack { get; private set; }

    /// <summary>Up to this many <see cref="StripCharacter"/> at the start of the whole text are dropped.</summary>
    public int StripStart { get; private set; }

    public char StripCharacter { get; private set; }

    /// <summary>The first token loses these characters (SentencePiece's ▁); NUL for none.</summary>
    public char DroppedFromFirst { get; private set; }

    /// <summary>Tokens are joined by spaces: what the reference does without a decoder.</summary>
    public bool IsSpaced { get; private set; }

    public static DecodePlan Read(JsonSection? section)
    {
        var plan = new DecodePlan { IsSpaced = section is null };
        var fused = false;
        if (section is not null)
            plan.Add(section.Value, ref fused);
        return plan;
    }

    /// <summary>Whether a token is one byte of the fallback, and which.</summary>
    public bool IsByte(string token, out byte value)
    {
        value = 0;
        return FallsBack && token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
            && byte.TryParse(token.AsSpan(3, 2), System.Globalization.NumberStyles.AllowHexSpecifier,
                System.Globalization.CultureInfo.InvariantCulture, out value);
    }

    /// <summary>The UTF-8 bytes that a token stands for.</summary>
    /// <param name="token">The entry of the vocabulary.</param>
    /// <param name="isFirst">It opens the text.</param>
    /// <param name="bytes">Receives the bytes.</param>
    public void Write(string token, bool isFirst, List<byte> bytes)
    {
        if (isFirst && DroppedFromFirst != '\0')
            token = token.Replace(DroppedFromFirst.ToString(), "", StringComparison.Ordinal);
        var written = bytes.Count;
        if (IsByteLevel)
        {
            foreach (var character in token)
            {
                if (ByteAlphabet.ToByte(character) is >= 0 and var value)
                {
                    bytes.Add((byte)value);
                    continue;
                }

                // A character outside the alphabet: the token (an added one) is plain text.
                bytes.RemoveRange(written, bytes.Count - written);
                bytes.AddRange(Encoding.UTF8.GetBytes(token));
                return;
            }

            return;
        }

        if (IsByte(token, out var single))
        {
            bytes.Add(single);
            return;
        }

        foreach (var rewrite in _rewrites)
            token = rewrite(token);
        bytes.AddRange(Encoding.UTF8.GetBytes(token));
    }

    /// <summary>Whether bytes begin with the character that is stripped from the text's start, and how many bytes that takes.</summary>
    public bool StartsWithStripped(IReadOnlyList<byte> bytes, out int length)
    {
        var character = Encoding.UTF8.GetBytes([StripCharacter]);
        var starts = bytes.Count >= character.Length && character.SequenceEqual(bytes.Take(character.Length));
        length = starts ? character.Length : 0;
        return starts;
    }

    private void Add(JsonSection section, ref bool fused)
    {
        switch (section.Type)
        {
            case "Sequence":
                section.AllowOnly("decoders");
                foreach (var item in section.Items("decoders"))
                    Add(item, ref fused);
                break;
            case "ByteLevel":
                section.AllowOnly("add_prefix_space", "trim_offsets", "use_regex");
                IsByteLevel = _rewrites.Count == 0 && !FallsBack
                    ? true
                    : throw section.Fault("stands after another decoder, which is not supported");
                break;
            case "ByteFallback":
                section.AllowOnly();
                FallsBack = true;
                break;
            case "Fuse":
                section.AllowOnly();
                fused = true;
                break;
            case "Replace":
                AddReplace(section, fused);
                break;
            case "Strip":
                AddStrip(section, fused);
                break;
            case "Metaspace":
                AddMetaspace(section);
                break;
            default:
                throw section.UnknownType("the decoder");
        }
    }

    private void AddReplace(JsonSection section, bool fused)
    {
        section.AllowOnly("pattern", "content");
        var pattern = section.Section("pattern");
        var literal = pattern.Element.ValueKind == System.Text.Json.JsonValueKind.String ? pattern.Element.GetString()!
            : pattern.Has("String") ? pattern.Text("String")
            : throw pattern.Fault("is a regular expression, which is not supported in a decoder");
        var content = section.Text("content");
        if (IsByteLevel || literal.Length == 0 || (fused && literal.Length > 1))
            throw section.Fault("cannot be applied token by token, which is not supported");
        _rewrites.Add(token => token.Replace(literal, content, StringComparison.Ordinal));
    }

    private void AddStrip(JsonSection section, bool fused)
    {
        section.AllowOnly("content", "start", "stop");
        var content = section.Text("content");
        var (start, stop) = (section.Number("start", 0), section.Number("stop", 0));
        if (content.Length != 1)
            throw section.Fault($"content \"{content}\" is not one character");
        var character = content[0];
        if (fused && stop > 0)
            throw section.Fault("\"stop\" takes characters from the end of the text, which a stream cannot");
        if (fused)
        {
            (StripStart, StripCharacter) = (start, character);
            return;
        }

        if (IsByteLevel)
            throw section.Fault("stands after ByteLevel, which is not supported");
        _rewrites.Add(token =>
        {
            var from = 0;
            while (from < start && from < token.Length && token[from] == character)
                from++;
            var to = token.Length;
            while (token.Length - to < stop && to > from && token[to - 1] == character)
                to--;
            return token[from..to];
        });
    }

    private void AddMetaspace(JsonSection section)
    {
        section.AllowOnly("replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep");
        var replacement = section.Text("replacement", "▁");
        if (replacement.Length != 1)
            throw section.Fault($"replacement \"{replacement}\" is not one character");
        if (IsByteLevel)
            throw section.Fault("stands after ByteLevel, which is not supported");
        if (section.Text("prepend_scheme", section.Flag("add_prefix_space", true) ? "always" : "never") != "never")
            DroppedFromFirst = replacement[0];
        _rewrites.Add(token => token.Replace(replacement[0], ' '));
    }
}
