namespace Parley.Tokenizer.Templating.Values;

/// <summary>The one value that a template can change: <c>namespace(…)</c>.</summary>
internal sealed class NamespaceValue : TemplateValue
{
    private readonly Dictionary<string, TemplateValue> _attributes = new(StringComparer.Ordinal);

    public override string TypeName => "Namespace";

    public bool TryGet(string name, out TemplateValue value)
    {
        var found = _attributes.TryGetValue(name, out var stored);
        value = stored ?? NoneValue.Instance;
        return found;
    }

    public DictionaryValue ToDictionary() => new(_attributes.Select(pair =>
        new KeyValuePair<TemplateValue, TemplateValue>(new TextValue(pair.Key), pair.Value)));

    public void Set(string name, TemplateValue value)
    {
        if (name.StartsWith('_'))
        {
            throw TemplateException.Security("Chat templates cannot store underscore-prefixed attributes on a namespace, "
                + $"but got '{name}'. Please rename the attribute.");
        }

        _attributes[name] = value;
    }
}
