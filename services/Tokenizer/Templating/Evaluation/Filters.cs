using System.Globalization;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Jinja's filters on one value: <c>value|name(…)</c>. Those that walk a sequence are in <see cref="SequenceFilters"/>.</summary>
internal sealed class Filters
{
    private readonly Members _members;
    private readonly TemplateLimits _limits;
    private readonly SequenceFilters _sequences;

    public Filters(Members members, TemplateLimits limits)
    {
        _members = members;
        _limits = limits;
        _sequences = new SequenceFilters(this, members, limits);
    }

    public static bool IsKnown(string name) => name is "abs" or "attr" or "capitalize" or "center" or "count" or "length"
        or "d" or "default"
        or "e" or "escape" or "forceescape" or "float" or "format" or "indent" or "int" or "lower" or "replace" or "round" or "safe"
        or "string" or "striptags" or "title" or "tojson" or "trim" or "truncate" or "upper" or "wordcount"
            || SequenceFilters.IsKnown(name);

    /// <summary>Applies a filter.</summary>
    /// <exception cref="TemplateException">There is none of that name, or the value is not for it.</exception>
    public TemplateValue Apply(string name, TemplateValue value, CallArguments arguments)
    {
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
            case "upper" or "lower" or "capitalize" or "title":
                return Case(name, PythonText.Str(value));
            case "replace":
                return TextMethods.Replace(PythonText.Str(value).AsMarkup(false), PythonText.Str(arguments.Require(0, "old")),
                    PythonText.Str(arguments.Require(1, "new")), Count(arguments.Find(2, "count")), _limits.CharactersMax);
            case "indent":
                return Indent(PythonText.Str(value), arguments);
            case "format":
                return TextFormat.Percent(PythonText.Str(value), SequenceValue.Tuple(arguments.Positional), _limits.CharactersMax);
            case "attr":
                return _members.Attribute(value, arguments.Require(0, "name").ExpectText("name"));
            case "center":
                return Call(PythonText.Str(value), "center", arguments.Find(0, "width") ?? TemplateValue.Of(80));
            case "truncate":
                return Truncate(PythonText.Str(value), arguments);
            case "striptags":
                return TextValue.Derived(Tags(PythonText.Str(value).Text), value);
            case "wordcount":
                return TemplateValue.Of(TextMethods.Split(PythonText.Str(value), null, -1, false).Items.Count);
            case "abs" or "round" or "int" or "float":
                return Number(name, value, arguments);
            default:
                return _sequences.Apply(name, value, arguments)
                    ?? throw new TemplateException("TemplateRuntimeError", $"No filter named '{name}' found.");
        }
    }

    public static int Length(TemplateValue value) => value switch
    {
        TextValue text => text.Length,
        SequenceValue { IsGenerator: false } sequence => sequence.Items.Count,
        DictionaryValue dictionary => dictionary.Entries.Count,
        UndefinedValue => 0,
        _ => throw TemplateException.Type($"object of type '{value.TypeName}' has no len()"),
    };

    private static long Count(TemplateValue? value) => value is null or NoneValue ? -1 : value.ExpectInteger();

    private TemplateValue Call(TextValue text, string method, params TemplateValue[] arguments) =>
        ((FunctionValue)_members.Attribute(text, method)).Call(new CallArguments(method, arguments, []));

    private static TextValue Case(string name, TextValue text) => text.Mapped(name switch
    {
        "upper" => text.Text.ToUpperInvariant(),
        "lower" => text.Text.ToLowerInvariant(),
        "capitalize" => TextMethods.Capitalize(text.Text),
        // Jinja's own title: a word starts after white space, a dash or an opening bracket.
        _ => string.Concat(System.Text.RegularExpressions.Regex.Split(text.Text, @"([-\s({\[<]+)").Select(TextMethods.Capitalize)),
    });

    private TextValue Indent(TextValue text, CallArguments arguments)
    {
        var width = arguments.Find(0, "width");
        var indent = width is TextValue fill ? fill.Text : new string(' ', (int)Math.Clamp(width?.ExpectInteger() ?? 4, 0, 1024));
        var first = arguments.Flag(1, "first", false);
        var blank = arguments.Flag(2, "blank", false);
        var builder = new TextBuilder(_limits.CharactersMax);
        var lines = TextMethods.Split(text, "\n", -1, fromRight: false).Items;
        for (var i = 0; i < lines.Count; i++)
        {
            var line = (TextValue)lines[i];
            if (i > 0)
                builder.Append("\n");
            if (i == 0 ? first : blank || line.Text.Length > 0)
                builder.Append(indent);
            builder.Append(line);
        }

        return builder.ToValue(text.IsMarkup);
    }

    private TextValue Truncate(TextValue text, CallArguments arguments)
    {
        var length = (int)Math.Clamp(arguments.Integer(0, "length", 255), 0, int.MaxValue);
        var end = arguments.Text(2, "end") ?? "...";
        var leeway = arguments.Integer(3, "leeway", 5);
        if (text.Length <= length + leeway)
            return text;
        var cut = (TextValue)Members.Slice(text, null, TemplateValue.Of(Math.Max(0, length - end.Length)), null);
        if (!arguments.Flag(1, "killwords", false) && cut.Text.LastIndexOf(' ') is >= 0 and var space)
            cut = cut.Part(0, space);
        return new TextBuilder(_limits.CharactersMax).Append(cut).Append(end).ToValue(text.IsMarkup);
    }

    private static string Tags(string text) => string.Join(' ',
        System.Text.RegularExpressions.Regex.Replace(text, "<!--.*?-->|<[^>]*>", "")
            .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private static TemplateValue Number(string name, TemplateValue value, CallArguments arguments)
    {
        switch (name)
        {
            case "abs":
                return value switch
                {
                    FloatValue number => new FloatValue(Math.Abs(number.Value)),
                    IntegerValue or BooleanValue => TemplateValue.Of(Math.Abs(value.ExpectInteger())),
                    UndefinedValue undefined => throw undefined.Fault(),
                    _ => throw TemplateException.Type($"bad operand type for abs(): '{value.TypeName}'"),
                };
            case "round":
                return Round(value, (int)arguments.Integer(0, "precision", 0), arguments.Text(1, "method") ?? "common");
            case "float":
                return ToFloat(value) is { } parsed ? new FloatValue(parsed) : arguments.Find(0, "default") ?? new FloatValue(0);
            default:
                return ToInteger(value, (int)arguments.Integer(1, "base", 10)) is { } whole
                    ? TemplateValue.Of(whole)
                    : arguments.Find(0, "default") ?? TemplateValue.Of(0);
        }
    }

    private static double? ToFloat(TemplateValue value) => value switch
    {
        FloatValue number => number.Value,
        IntegerValue or BooleanValue => value.ExpectInteger(),
        TextValue text when double.TryParse(text.Text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var parsed) => parsed,
        UndefinedValue undefined => throw undefined.Fault(),
        _ => null,
    };

    private static long? ToInteger(TemplateValue value, int numberBase)
    {
        if (value is TextValue text)
        {
            var digits = text.Text.Trim().Replace("_", "", StringComparison.Ordinal);
            if (numberBase == 10 && long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var parsed))
                return parsed;
            if (numberBase == 16 && long.TryParse(digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? digits[2..] : digits,
                NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out parsed))
                return parsed;
        }

        return ToFloat(value) is { } number && double.IsFinite(number) && Math.Abs(number) < 9.2e18
            ? value is IntegerValue or BooleanValue ? value.ExpectInteger() : (long)number
            : null;
    }

    private static FloatValue Round(TemplateValue value, int precision, string method)
    {
        var number = ToFloat(value) ?? throw TemplateException.Type($"type {value.TypeName} doesn't define __round__ method");
        var scale = Math.Pow(10, precision);
        return new FloatValue(method switch
        {
            "ceil" => Math.Ceiling(number * scale) / scale,
            "floor" => Math.Floor(number * scale) / scale,
            "common" => precision is >= 0 and <= 15 ? Math.Round(number, precision, MidpointRounding.ToEven)
                : Math.Round(number * scale) / scale,
            _ => throw new TemplateException("FilterArgumentError", "method must be common, ceil or floor"),
        });
    }
}
