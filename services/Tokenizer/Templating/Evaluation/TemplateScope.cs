using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>The names that a part of a template sees; a name that is set hides the same name further out.</summary>
internal sealed class TemplateScope(TemplateScope? parent)
{
    private const int ScannedNamesMax = 8;

    // Most scopes hold a name or two (a loop's round): those are scanned, and larger ones have a dictionary.
    private string[] _names = [];
    private TemplateValue[] _values = [];
    private int _count;
    private Dictionary<string, TemplateValue>? _many;

    public TemplateValue? Find(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope.FindOwn(name) is { } value)
                return value;
        }

        return null;
    }

    private TemplateScope? Parent { get; } = parent;

    public void Set(string name, TemplateValue value)
    {
        if (_many is not null)
        {
            _many[name] = value;
            return;
        }

        var at = IndexOf(name);
        if (at < 0)
        {
            if (_count == ScannedNamesMax)
            {
                _many = new Dictionary<string, TemplateValue>(2 * ScannedNamesMax, StringComparer.Ordinal);
                for (var i = 0; i < _count; i++)
                    _many.Add(_names[i], _values[i]);
                _many.Add(name, value);
                return;
            }

            if (_count == _names.Length)
            {
                Array.Resize(ref _names, Math.Max(2, 2 * _count));
                Array.Resize(ref _values, _names.Length);
            }

            at = _count++;
            _names[at] = name;
        }

        _values[at] = value;
    }

    private TemplateValue? FindOwn(string name)
    {
        if (_many is not null)
            return _many.GetValueOrDefault(name);
        var at = IndexOf(name);
        return at < 0 ? null : _values[at];
    }

    private int IndexOf(string name)
    {
        for (var i = 0; i < _count; i++)
        {
            if (string.Equals(_names[i], name, StringComparison.Ordinal))
                return i;
        }

        return -1;
    }
}
