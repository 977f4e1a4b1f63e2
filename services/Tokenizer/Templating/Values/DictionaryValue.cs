namespace Parley.Tokenizer.Templating.Values;

/// <summary>A dictionary in the order in which its keys came.</summary>
internal sealed class DictionaryValue : TemplateValue
{
    private readonly Dictionary<TemplateValue, int> _index;
    private readonly List<KeyValuePair<TemplateValue, TemplateValue>> _entries;

    public DictionaryValue(IEnumerable<KeyValuePair<TemplateValue, TemplateValue>> entries)
    {
        _entries = [];
        _index = new Dictionary<TemplateValue, int>(PythonEquality.Instance);
        foreach (var entry in entries)
        {
            // A key given twice keeps its first place and its last value.
            if (_index.TryGetValue(entry.Key, out var at))
            {
                _entries[at] = new(_entries[at].Key, entry.Value);
            }
            else
            {
                _index.Add(entry.Key, _entries.Count);
                _entries.Add(entry);
            }
        }
    }

    public IReadOnlyList<KeyValuePair<TemplateValue, TemplateValue>> Entries => _entries;

    public override string TypeName => "dict";

    public override bool IsTrue => _entries.Count > 0;

    public bool TryGet(TemplateValue key, out TemplateValue value)
    {
        if (_index.TryGetValue(key, out var at))
        {
            value = _entries[at].Value;
            return true;
        }

        value = NoneValue.Instance;
        return false;
    }

    public override IReadOnlyList<TemplateValue> Iterate() => [.. _entries.Select(entry => entry.Key)];
}
