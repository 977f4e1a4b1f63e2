namespace Parley.Tokenizer.Templating.Values;

/// <summary>The arguments of a call: positional, then by keyword.</summary>
internal sealed class CallArguments(
    string callee, IReadOnlyList<TemplateValue> positional, IReadOnlyList<KeyValuePair<string, TemplateValue>> keywords)
{
    public static CallArguments None { get; } = new("", [], []);

    public IReadOnlyList<TemplateValue> Positional { get; } = positional;

    public IReadOnlyList<KeyValuePair<string, TemplateValue>> Keywords { get; } = keywords;

    /// <summary>The argument at a position or of a name, or null.</summary>
    public TemplateValue? Find(int position, string name)
    {
        if (position < Positional.Count)
            return Positional[position];
        foreach (var (key, value) in Keywords)
        {
            if (key == name)
                return value;
        }

        return null;
    }

    public TemplateValue Require(int position, string name) => Find(position, name)
        ?? throw TemplateException.Type($"{callee}() missing required argument: '{name}' (pos {position + 1})");

    public bool Flag(int position, string name, bool unset) => Find(position, name)?.IsTrue ?? unset;

    public long Integer(int position, string name, long unset) => Find(position, name)?.ExpectInteger() ?? unset;

    public string? Text(int position, string name) => Find(position, name) is { } value and not NoneValue ? value.ExpectText(name) : null;

    /// <summary>Refuses more arguments than the callee knows.</summary>
    public CallArguments AtMost(int count, params ReadOnlySpan<string> names)
    {
        if (Positional.Count > count)
            throw TemplateException.Type($"{callee}() takes at most {count} arguments ({Positional.Count} given)");
        foreach (var (key, _) in Keywords)
        {
            if (!names.Contains(key))
                throw TemplateException.Type($"{callee}() got an unexpected keyword argument '{key}'");
        }

        return this;
    }
}
