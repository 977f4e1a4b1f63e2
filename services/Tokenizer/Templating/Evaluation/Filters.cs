using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Jinja's filters: <c>value|name(…)</c>. Those that lay out a text or walk a sequence have classes of their own.</summary>
internal sealed class Filters
{
    private readonly Members _members;
    private readonly TemplateLimits _limits;
    private readonly TextFilters _texts;
    private readonly SequenceFilters _sequences;

    public Filters(Members members, TemplateLimits limits)
    {
        _members = members;
        _limits = limits;
        _texts = new TextFilters(limits);
        _sequences = new SequenceFilters(this, members, limits);
    }

    /// <summary>Applies a filter.</summary>
    /// <exception cref="TemplateException">There is none of that name, or the value is not for it.</exception>
    public TemplateValue Apply(string name, TemplateValue value, CallArguments arguments)
    {
        FilterParameters.Check(name, arguments);
        switch (name)
        {
            case "trim":
                return TextMethods.Strip(PythonText.Str(value), arguments.Text(0, "chars"));
            case "tojson":
                return new PythonJson(arguments, _limits.CharactersMax).Dump(value);
            case "length" or "count":
                return TemplateValue.Of(Length(value));
            case "default" or "d":
                return value is UndefinedValue || (arguments.Flag(1, "boolean", false) && !value.IsTrue)
                    ? arguments.Find(0, "default_value") ?? TextValue.Empty
                    : value;
            case "string":
                return PythonText.Str(value);
            case "safe":
                return PythonText.Str(value).AsMarkup(true);
            case "escape" or "e":
                return TextMethods.Escape(PythonText.Str(value));
            case "forceescape":
                return TextMethods.Escape(PythonText.Str(value).AsMarkup(false));
            case "upper":
                return PythonCase.Upper(PythonText.Str(value));
            case "lower":
                return PythonCase.Lower(PythonText.Str(value));
            case "capitalize":
                return PythonCase.Capitalize(PythonText.Str(value));
            case "title":
                return PythonCase.JinjaTitle(PythonText.Str(value)).AsMarkup(false);
            case "replace":
                return TextMethods.Replace(PythonText.Str(value).AsMarkup(false), PythonText.Str(arguments.Require(0, "old")),
                    PythonText.Str(arguments.Require(1, "new")), Count(arguments.Find(2, "count")), _limits.CharactersMax);
            case "format":
                return Format(PythonText.Str(value), arguments);
            case "attr":
                return _members.OwnAttribute(value, arguments.Require(0, "name").ExpectText("name"));
            case "center":
                return Call(PythonText.Str(value), "center", arguments.Find(0, "width") ?? TemplateValue.Of(80));
            case "wordcount":
                return TemplateValue.Of(Words(PythonText.Str(value).Text));
            case "abs" or "round" or "int" or "float" or "filesizeformat":
                return NumberFilters.Apply(name, value, arguments);
            default:
                return _texts.Apply(name, value, arguments) ?? _sequences.Apply(name, value, arguments);
        }
    }

    public static int Length(TemplateValue value) => value switch
    {
        TextValue text => text.Length,
        SequenceValue { IsGenerator: false } sequence => sequence.Items.Count,
        DictionaryValue dictionary => dictionary.Entries.Count,
        LoopValue loop => loop.Count,
        UndefinedValue => 0,
        _ => throw TemplateException.Type($"object of type '{value.TypeName}' has no len()"),
    };

    private static long Count(TemplateValue? value) => value is null or NoneValue ? -1 : value.ExpectInteger();

    private TemplateValue Call(TextValue text, string method, params TemplateValue[] arguments) =>
        ((FunctionValue)_members.Attribute(text, method)).Call(new CallArguments(method, arguments, []));

    private TextValue Format(TextValue format, CallArguments arguments)
    {
        if (arguments.Positional.Count > 0 && arguments.Keywords.Count > 0)
        {
            throw new TemplateException("FilterArgumentError",
                "can't handle positional and keyword arguments at the same time");
        }

        TemplateValue values = arguments.Keywords.Count == 0 ? SequenceValue.Tuple(arguments.Positional)
            : new DictionaryValue(arguments.Keywords.Select(pair =>
                new KeyValuePair<TemplateValue, TemplateValue>(new TextValue(pair.Key), pair.Value)));
        return PercentFormat.Apply(format, values, _limits.CharactersMax);
    }

    // Runs of letters, digits and underscores.
    private static long Words(string text)
    {
        var (count, inWord) = (0L, false);
        foreach (var rune in text.EnumerateRunes())
        {
            var isWord = rune.Value == '_' || PythonCharacter.IsAlphanumeric(rune);
            if (isWord && !inWord)
                count++;
            inWord = isWord;
        }

        return count;
    }
}
