using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Python's operators on template values.</summary>
internal sealed class Operators(TemplateLimits limits)
{
    public TemplateValue Binary(string name, TemplateValue left, TemplateValue right)
    {
        if (left is UndefinedValue missing)
            throw missing.Fault();
        if (right is UndefinedValue undefined && !(name == "%" && left is TextValue))
            throw undefined.Fault();
        return name switch
        {
            "+" => Add(left, right),
            "*" => Multiply(left, right),
            "%" when left is TextValue text => PercentFormat.Apply(text, right, limits.CharactersMax),
            _ => Arithmetic.Apply(name, left, right),
        };
    }

    public static bool Holds(string comparison, TemplateValue left, TemplateValue right)
    {
        switch (comparison)
        {
            case "==":
                return PythonEquality.AreEqual(left, right);
            case "!=":
                return !PythonEquality.AreEqual(left, right);
            case "in":
                return Contains(right, left);
            case "not in":
                return !Contains(right, left);
        }

        var order = Order(left, right, comparison);
        return comparison switch
        {
            "<" => order < 0,
            "<=" => order <= 0,
            ">" => order == 1,
            _ => order is 0 or 1,
        };
    }

    public static int Compare(TemplateValue left, TemplateValue right) => Order(left, right, "<");

    public static bool Contains(TemplateValue container, TemplateValue item) => container switch
    {
        TextValue text => item is TextValue part
            ? text.Text.Contains(part.Text, StringComparison.Ordinal)
            : throw TemplateException.Type($"'in <string>' requires string as left operand, not {item.TypeName}"),
        DictionaryValue dictionary => dictionary.TryGet(item, out _),
        SequenceValue sequence => Contains(sequence, item),
        UndefinedValue => false,
        _ => throw TemplateException.Type($"argument of type '{container.TypeName}' is not iterable"),
    };

    // Of a generator what comes behind the member that is found stays to be taken.
    private static bool Contains(SequenceValue sequence, TemplateValue item)
    {
        var members = sequence.Iterate();
        for (var i = 0; i < members.Count; i++)
        {
            if (!PythonEquality.AreEqual(members[i], item))
                continue;
            sequence.PutBack(members.Count - i - 1);
            return true;
        }

        return false;
    }

    // 2 stands for "not comparable with <, = or >", which only NaN is.
    private static int Order(TemplateValue left, TemplateValue right, string name)
    {
        switch (left, right)
        {
            case (UndefinedValue undefined, _):
                throw undefined.Fault();
            case (_, UndefinedValue undefined):
                throw undefined.Fault();
            case (TextValue first, TextValue second):
                return Math.Sign(CompareCodePoints(first.Text, second.Text));
            case (FloatValue or IntegerValue or BooleanValue, FloatValue or IntegerValue or BooleanValue):
                return PythonNumber.Compare(left, right) is { } order ? Math.Sign(order) : 2;
            case (SequenceValue { Kind: SequenceValue.Form.List or SequenceValue.Form.Tuple } first, SequenceValue second)
                when first.Kind == second.Kind:
                for (var i = 0; i < Math.Min(first.Items.Count, second.Items.Count); i++)
                {
                    if (!PythonEquality.AreEqual(first.Items[i], second.Items[i]))
                        return Order(first.Items[i], second.Items[i], name);
                }

                return first.Items.Count.CompareTo(second.Items.Count);
            default:
                throw TemplateException.Type(
                    $"'{name}' not supported between instances of '{left.TypeName}' and '{right.TypeName}'");
        }
    }

    private static int CompareCodePoints(string left, string right)
    {
        var common = left.AsSpan().CommonPrefixLength(right);
        if (common == left.Length || common == right.Length)
            return left.Length.CompareTo(right.Length);
        // Surrogates stand for code points above all others.
        return (char.IsSurrogate(left[common]), char.IsSurrogate(right[common])) switch
        {
            (true, false) => 1,
            (false, true) => -1,
            _ => left[common].CompareTo(right[common]),
        };
    }

    private TemplateValue Add(TemplateValue left, TemplateValue right)
    {
        switch (left, right)
        {
            case (TextValue first, TextValue second):
                if (first.IsMarkup != second.IsMarkup)
                    (first, second) = (TextMethods.Escape(first), TextMethods.Escape(second));
                return Joined(first, second);
            case (SequenceValue { Kind: SequenceValue.Form.List or SequenceValue.Form.Tuple } first, SequenceValue second)
                when first.Kind == second.Kind:
                CheckLength((long)first.Items.Count + second.Items.Count);
                return new SequenceValue(first.Kind, [.. first.Items, .. second.Items]);
            case (TextValue, _):
                throw TemplateException.Type($"can only concatenate str (not \"{right.TypeName}\") to str");
            case (SequenceValue { Kind: SequenceValue.Form.List or SequenceValue.Form.Tuple }, _):
                throw TemplateException.Type($"can only concatenate {left.TypeName} (not \"{right.TypeName}\") to {left.TypeName}");
            default:
                return Arithmetic.Apply("+", left, right);
        }
    }

    /// <summary>The sum of texts without markup.</summary>
    public TextValue Join(ReadOnlySpan<TextValue> texts)
    {
        if (texts.Length == 1)
            return texts[0];
        var length = 0L;
        foreach (var text in texts)
            length += text.Text.Length;
        if (length > limits.CharactersMax)
            throw TemplateException.Limit("characters", limits.CharactersMax);
        var builder = new TextBuilder(limits.CharactersMax, (int)length);
        foreach (var text in texts)
            builder.Append(text);
        return builder.ToValue();
    }

    private TextValue Joined(TextValue left, TextValue right)
    {
        if (left.Text.Length == 0 && !left.IsMarkup)
            return right;
        if (right.Text.Length == 0)
            return left;
        return new TextBuilder(limits.CharactersMax).Append(left).Append(right).ToValue(left.IsMarkup);
    }

    private TemplateValue Multiply(TemplateValue left, TemplateValue right)
    {
        if (right is TextValue or SequenceValue && left is not (TextValue or SequenceValue))
            (left, right) = (right, left);
        if (left is not (TextValue or SequenceValue { Kind: SequenceValue.Form.List or SequenceValue.Form.Tuple }))
            return Arithmetic.Apply("*", left, right);
        if (right is not (IntegerValue or BooleanValue))
            throw TemplateException.Type($"can't multiply sequence by non-int of type '{right.TypeName}'");
        var whole = right.ExpectWhole();
        var count = whole.Sign < 0 ? 0 : whole > limits.CharactersMax ? limits.CharactersMax + 1L : (long)whole;
        if (left is SequenceValue sequence)
        {
            CheckLength(count > limits.CharactersMax ? count : count * sequence.Items.Count);
            return new SequenceValue(sequence.Kind,
                [.. Enumerable.Range(0, sequence.Items.Count == 0 ? 0 : (int)count).SelectMany(_ => sequence.Items)]);
        }

        var text = (TextValue)left;
        if (text.Text.Length == 0)
            return text;
        if (count > limits.CharactersMax / text.Text.Length)
            throw TemplateException.Limit("characters", limits.CharactersMax);
        var builder = new TextBuilder(limits.CharactersMax);
        for (var i = 0; i < count; i++)
            builder.Append(text);
        return builder.ToValue(text.IsMarkup);
    }

    private void CheckLength(long count)
    {
        if (count > limits.StepsMax)
            throw TemplateException.Limit("list members", limits.StepsMax);
    }
}
