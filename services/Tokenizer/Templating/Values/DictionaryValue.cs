namespace Parley.Tokenizer.Templating.Values;

/// <summary>A dictionary in the order in which its keys came.</summary>
internal sealed class DictionaryValue : TemplateValue
{
    private const int ScannedEntriesMax = 8;

    private readonly List<KeyValuePair<TemplateValue, TemplateValue>> _entries = [];

    // Messages have a few keys: those are scanned, and larger dictionaries have an index.
    private Dictionary<TemplateValue, int>? _index;
    private readonly int _deepest;

    public DictionaryValue(IEnumerable<KeyValuePair<TemplateValue, TemplateValue>> entries)
    {
        foreach (var entry in entries)
        {
            _deepest = Math.Max(_deepest, Math.Max(entry.Key.Depth, entry.Value.Depth));
            // A key given twice keeps its first place and its last value.
            var at = IndexOf(entry.Key);
            if (at >= 0)
                _entries[at] = new(_entries[at].Key, entry.Value);
            else
                Add(entry);
        }
    }

    public IReadOnlyList<KeyValuePair<TemplateValue, TemplateValue>> Entries => _entries;

    public override int Depth => Around(_deepest);

    public override string TypeName => "dict";

    public override bool IsTrue => _entries.Count > 0;

    public bool TryGet(TemplateValue key, out TemplateValue value)
    {
        var at = IndexOf(key);
        value = at < 0 ? NoneValue.Instance : _entries[at].Value;
        return at >= 0;
    }

    public override IReadOnlyList<TemplateValue> Iterate() => [.. _entries.Select(entry => entry.Key)];

    private void Add(KeyValuePair<TemplateValue, TemplateValue> entry)
    {
        _index?.Add(entry.Key, _entries.Count);
        _entries.Add(entry);
        if (_index is not null || _entries.Count <= ScannedEntriesMax)
            return;
        _index = new Dictionary<TemplateValue, int>(PythonEquality.Instance);
        for (var i = 0; i < _entries.Count; i++)
            _index.Add(_entries[i].Key, i);
    }

    private int IndexOf(TemplateValue key)
    {
        if (_index is not null)
            return _index.TryGetValue(key, out var known) ? known : -1;
        // What Python cannot hash is an error here as well.
        if (key is not TextValue)
            PythonEquality.Instance.GetHashCode(key);
        for (var i = 0; i < _entries.Count; i++)
        {
            if (PythonEquality.AreEqual(_entries[i].Key, key))
                return i;
        }

        return -1;
    }
}
