using System.Text;

namespace Parley.Tokenizer.Templating.Values;

/// <summary>
/// A text that knows which of its characters a user wrote. Counts and slices by code points, as Python does.
/// </summary>
internal sealed class TextValue : TemplateValue
{
    private int _hasPairs = -1;

    public TextValue(string text)
        : this(text, UserRanges.None)
    {
    }

    public TextValue(string text, UserRanges user, bool isMarkup = false)
    {
        Text = text;
        User = user;
        IsMarkup = isMarkup;
    }

    public static TextValue Empty { get; } = new("");

    public string Text { get; }

    public UserRanges User { get; }

    /// <summary>Marked by <c>safe</c> or <c>escape</c>: what is added to it is escaped for HTML.</summary>
    public bool IsMarkup { get; }

    public override string TypeName => IsMarkup ? "Markup" : "str";

    public override bool IsTrue => Text.Length > 0;

    /// <summary>Whether a code point takes two code units somewhere.</summary>
    public bool HasPairs
    {
        get
        {
            if (_hasPairs < 0)
                _hasPairs = Text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') >= 0 ? 1 : 0;
            return _hasPairs == 1;
        }
    }

    /// <summary>Length in code points.</summary>
    public int Length => HasPairs ? Text.EnumerateRunes().Count() : Text.Length;

    public static TextValue FromUser(string text) => new(text, UserRanges.All(text.Length));

    /// <summary>Text made from others in a way that cannot be followed: a user's as soon as one of them is.</summary>
    public static TextValue Derived(string text, params ReadOnlySpan<TemplateValue> sources)
    {
        foreach (var source in sources)
        {
            if (source is TextValue { User.IsEmpty: false })
                return FromUser(text);
        }

        return new TextValue(text);
    }

    /// <summary>A part, in code units.</summary>
    public TextValue Part(int start, int length)
    {
        if (start == 0 && length == Text.Length)
            return this;
        return length == 0 && !IsMarkup ? Empty : new TextValue(Text.Substring(start, length), User.Within(start, length), IsMarkup);
    }

    public TextValue AsMarkup(bool isMarkup) => isMarkup == IsMarkup ? this : new TextValue(Text, User, isMarkup);

    /// <summary>Each code point as a text.</summary>
    public override IReadOnlyList<TemplateValue> Iterate()
    {
        var items = new List<TemplateValue>(Text.Length);
        for (var i = 0; i < Text.Length;)
        {
            var length = Rune.TryGetRuneAt(Text, i, out var rune) ? rune.Utf16SequenceLength : 1;
            items.Add(Part(i, length).AsMarkup(false));
            i += length;
        }

        return items;
    }

    /// <summary>Same text changed character by character where its length stays; else wholly a user's if any of it was.</summary>
    public TextValue Mapped(string text) =>
        new(text, text.Length == Text.Length ? User : User.IsEmpty ? User : UserRanges.All(text.Length), IsMarkup);
}
