using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>json.dumps as transformers' <c>tojson</c> calls it.</summary>
internal sealed class PythonJson
{
    private readonly bool _ascii;
    private readonly string? _indent;
    private readonly string _itemSeparator;
    private readonly string _keySeparator;
    private readonly bool _sortKeys;
    private readonly TextBuilder _builder;

    public PythonJson(CallArguments arguments, int charactersMax)
    {
        _ascii = arguments.Flag(0, "ensure_ascii", false);
        _indent = arguments.Find(1, "indent") switch
        {
            null or NoneValue => null,
            TextValue text => text.Text,
            var count => new string(' ', (int)Math.Clamp(count.ExpectInteger(), 0, 4096)),
        };
        _sortKeys = arguments.Flag(3, "sort_keys", false);
        (_itemSeparator, _keySeparator) = (_indent is null ? ", " : ",", ": ");
        if (arguments.Find(2, "separators") is { } separators and not NoneValue)
        {
            var pair = separators.Iterate();
            if (pair.Count != 2)
                throw TemplateException.Value("separators is not a pair");
            (_itemSeparator, _keySeparator) = (pair[0].ExpectText("separator"), pair[1].ExpectText("separator"));
        }

        _builder = new TextBuilder(charactersMax);
    }

    public TextValue Dump(TemplateValue value)
    {
        Write(value, 0);
        return _builder.ToValue();
    }

    private void Write(TemplateValue value, int depth)
    {
        System.Runtime.CompilerServices.RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (value)
        {
            case TextValue text:
                WriteText(text);
                break;
            case NoneValue:
                _builder.Append("null");
                break;
            case BooleanValue boolean:
                _builder.Append(boolean.IsTrue ? "true" : "false");
                break;
            case IntegerValue integer:
                _builder.Append(PythonNumber.Text(integer.Value));
                break;
            case FloatValue number:
                _builder.Append(Number(number.Value));
                break;
            case SequenceValue { Kind: SequenceValue.Form.List or SequenceValue.Form.Tuple } sequence:
                WriteItems('[', ']', sequence.Items, depth, item => Write(item, depth + 1));
                break;
            case DictionaryValue dictionary:
                WriteDictionary(dictionary, depth);
                break;
            default:
                throw TemplateException.Type($"Object of type {value.TypeName} is not JSON serializable");
        }
    }

    private void WriteDictionary(DictionaryValue dictionary, int depth)
    {
        var entries = dictionary.Entries;
        if (_sortKeys)
            entries = [.. entries.OrderBy(entry => entry.Key, Comparer<TemplateValue>.Create(Operators.Compare))];
        WriteItems('{', '}', entries, depth, entry =>
        {
            var key = entry.Key switch
            {
                TextValue text => text,
                IntegerValue or FloatValue =>
                    new TextValue(entry.Key is FloatValue number ? Number(number.Value) : PythonText.Repr(entry.Key).Text),
                BooleanValue boolean => new TextValue(boolean.IsTrue ? "true" : "false"),
                NoneValue => new TextValue("null"),
                _ => throw TemplateException.Type($"keys must be str, int, float, bool or None, not {entry.Key.TypeName}"),
            };
            WriteText(key);
            _builder.Append(_keySeparator);
            Write(entry.Value, depth + 1);
        });
    }

    private void WriteItems<T>(char open, char close, IReadOnlyList<T> items, int depth, Action<T> write)
    {
        _builder.Append(open.ToString());
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0)
                _builder.Append(_itemSeparator);
            BreakLine(depth + 1);
            write(items[i]);
        }

        if (items.Count > 0)
            BreakLine(depth);
        _builder.Append(close.ToString());
    }

    private void BreakLine(int depth)
    {
        if (_indent is null)
            return;
        _builder.Append("\n");
        for (var i = 0; i < depth; i++)
            _builder.Append(_indent);
    }

    private void WriteText(TextValue value)
    {
        _builder.Append("\"");
        var text = value.Text;
        for (var start = 0; start < text.Length;)
        {
            var end = start;
            while (end < text.Length && !NeedsEscape(text[end]))
                end++;
            if (end > start)
                _builder.Append(value.Part(start, end - start));
            if (end < text.Length)
                _builder.Append(Escape(text[end]), value.User.Overlaps(end, end + 1));
            start = end + 1;
        }

        _builder.Append("\"");
    }

    private bool NeedsEscape(char value) => value is '"' or '\\' or < ' ' || (_ascii && value > '~');

    private static string Escape(char value) => value switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\b' => "\\b",
        '\f' => "\\f",
        _ => $"\\u{(int)value:x4}",
    };

    private static string Number(double value) => double.IsNaN(value) ? "NaN"
        : double.IsInfinity(value) ? (value > 0 ? "Infinity" : "-Infinity")
        : PythonText.Number(value);
}
