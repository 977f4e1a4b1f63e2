using System.Text;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Python's pprint.pformat: repr on lines of at most 80 characters, dictionaries by key.</summary>
internal sealed class PrettyPrinter
{
    private const int Width = 80;

    private readonly StringBuilder _text = new();
    private readonly int _charactersMax;

    private PrettyPrinter(int charactersMax) => _charactersMax = charactersMax;

    public static TextValue Print(TemplateValue value, int charactersMax)
    {
        var printer = new PrettyPrinter(charactersMax);
        printer.Write(value, 0, 0, 1);
        return TextValue.Derived(printer._text.ToString(), PythonText.Repr(value));
    }

    private void Write(TemplateValue value, int indent, int allowance, int level)
    {
        System.Runtime.CompilerServices.RuntimeHelpers.EnsureSufficientExecutionStack();
        if (_text.Length > _charactersMax)
            throw TemplateException.Limit("characters", _charactersMax);
        var text = PythonText.Repr(Sorted(value)).Text;
        if (text.Length <= Width - indent - allowance)
        {
            _text.Append(text);
            return;
        }

        switch (value)
        {
            case DictionaryValue { Entries.Count: > 0 } dictionary:
                WriteDictionary(Order(dictionary), indent, allowance, level);
                break;
            case SequenceValue { Kind: SequenceValue.Form.List or SequenceValue.Form.Tuple, Items.Count: > 0 } sequence:
                var close = sequence.Kind == SequenceValue.Form.List ? "]" : sequence.Items.Count == 1 ? ",)" : ")";
                _text.Append(sequence.Kind == SequenceValue.Form.List ? '[' : '(');
                for (var i = 0; i < sequence.Items.Count; i++)
                {
                    Separate(i, indent + 1);
                    Write(sequence.Items[i], indent + 1, i == sequence.Items.Count - 1 ? allowance + close.Length : 1, level + 1);
                }

                _text.Append(close);
                break;
            case TextValue { Text.Length: > 0 } words:
                WriteText(words, indent, allowance, level);
                break;
            default:
                _text.Append(text);
                break;
        }
    }

    private void WriteDictionary(
        IReadOnlyList<KeyValuePair<TemplateValue, TemplateValue>> entries, int indent, int allowance, int level)
    {
        _text.Append('{');
        for (var i = 0; i < entries.Count; i++)
        {
            Separate(i, indent + 1);
            var key = PythonText.Repr(Sorted(entries[i].Key)).Text;
            _text.Append(key).Append(": ");
            Write(entries[i].Value, indent + key.Length + 3, i == entries.Count - 1 ? allowance + 1 : 1, level + 1);
        }

        _text.Append('}');
    }

    private void Separate(int index, int indent)
    {
        if (index > 0)
            _text.Append(",\n").Append(' ', indent);
    }

    // A long text becomes several literals, cut behind its line breaks and where needed between words.
    private void WriteText(TextValue text, int indent, int allowance, int level)
    {
        if (level == 1)
            (indent, allowance) = (indent + 1, allowance + 1);
        var chunks = new List<string>();
        var lines = TextMethods.SplitLines(text, keepEnds: true).Items;
        var room = Width - indent;
        for (var i = 0; i < lines.Count; i++)
        {
            var isLast = i == lines.Count - 1;
            var whole = PythonText.Repr(lines[i]).Text;
            if (whole.Length <= room - (isLast ? allowance : 0))
                chunks.Add(whole);
            else
                AddWords(((TextValue)lines[i]).Text, room, isLast ? allowance : 0, chunks);
        }

        if (chunks.Count == 1)
        {
            _text.Append(PythonText.Repr(lines[^1]).Text);
            return;
        }

        if (level == 1)
            _text.Append('(');
        _text.AppendJoin("\n" + new string(' ', indent), chunks);
        if (level == 1)
            _text.Append(')');
    }

    private static void AddWords(string line, int room, int allowance, List<string> chunks)
    {
        var current = "";
        for (var start = 0; start < line.Length;)
        {
            var end = start;
            while (end < line.Length && !PythonCharacter.IsSpace(line[end]))
                end++;
            while (end < line.Length && PythonCharacter.IsSpace(line[end]))
                end++;
            var word = line[start..end];
            if (PythonText.Repr(new TextValue(current + word)).Text.Length > room - (end == line.Length ? allowance : 0))
            {
                if (current.Length > 0)
                    chunks.Add(PythonText.Repr(new TextValue(current)).Text);
                current = word;
            }
            else
            {
                current += word;
            }

            start = end;
        }

        if (current.Length > 0)
            chunks.Add(PythonText.Repr(new TextValue(current)).Text);
    }

    private static TemplateValue Sorted(TemplateValue value) => value switch
    {
        DictionaryValue dictionary => new DictionaryValue(
            Order(dictionary).Select(entry => KeyValuePair.Create(entry.Key, Sorted(entry.Value)))),
        SequenceValue { Kind: SequenceValue.Form.List or SequenceValue.Form.Tuple } sequence =>
            new SequenceValue(sequence.Kind, [.. sequence.Items.Select(Sorted)]),
        _ => value,
    };

    // Keys that cannot be compared stand by the names of their types.
    private static List<KeyValuePair<TemplateValue, TemplateValue>> Order(DictionaryValue dictionary) =>
        [.. dictionary.Entries.OrderBy(entry => entry.Key, Comparer<TemplateValue>.Create((left, right) =>
        {
            try
            {
                return Operators.Compare(left, right);
            }
            catch (TemplateException)
            {
                return string.CompareOrdinal(left.TypeName, right.TypeName);
            }
        }))];
}
