using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Jinja's tests: <c>value is name</c>.</summary>
internal static class Tests
{
    /// <summary>Whether a value passes; null when there is no such test.</summary>
    public static bool? Find(string name, TemplateValue value, CallArguments arguments) => name switch
    {
        "defined" => value is not UndefinedValue,
        "undefined" => value is UndefinedValue,
        "none" => value is NoneValue,
        "boolean" => value is BooleanValue,
        "true" => value is BooleanValue { IsTrue: true },
        "false" => value is BooleanValue { IsTrue: false },
        "string" => value is TextValue,
        "integer" => value is IntegerValue,
        "float" => value is FloatValue,
        "number" => value is IntegerValue or FloatValue or BooleanValue,
        "mapping" => value is DictionaryValue,
        "iterable" => value is TextValue or SequenceValue or DictionaryValue or UndefinedValue or LoopValue,
        "sequence" => value is TextValue or DictionaryValue or UndefinedValue
            or SequenceValue { Kind: SequenceValue.Form.List or SequenceValue.Form.Tuple or SequenceValue.Form.Range },
        "callable" => value is FunctionValue or LoopValue or UndefinedValue,
        "escaped" => value is TextValue { IsMarkup: true },
        "odd" => Remainder(value, TemplateValue.Of(2), 1),
        "even" => Remainder(value, TemplateValue.Of(2), 0),
        "divisibleby" => Remainder(value, arguments.Require(0, "num"), 0),
        "sameas" => arguments.Require(0, "other") is var other && (ReferenceEquals(value, other)
            || (value is IntegerValue or TextValue && value.TypeName == other.TypeName && PythonEquality.AreEqual(value, other))),
        "lower" => TextMembers.IsLower(PythonText.Str(value).Text),
        "upper" => TextMembers.IsUpper(PythonText.Str(value).Text),
        "filter" => Hashable(value) is TextValue filter && FilterParameters.IsKnown(filter.Text),
        "test" => Hashable(value) is TextValue { Text: var test } && IsKnown(test),
        _ => Comparison(name) is { } comparison ? Operators.Holds(comparison, value, arguments.Require(0, "other")) : null,
    };

    public static bool IsKnown(string name) => Comparison(name) is not null
        || name is "defined" or "undefined" or "none" or "boolean" or "true" or "false" or "string" or "integer" or "float" or "number"
            or "mapping" or "iterable" or "sequence" or "callable" or "escaped" or "odd" or "even" or "divisibleby" or "sameas" or "lower"
            or "upper" or "filter" or "test";

    private static string? Comparison(string name) => name switch
    {
        "eq" or "equalto" or "==" => "==",
        "ne" or "!=" => "!=",
        "lt" or "lessthan" or "<" => "<",
        "le" or "<=" => "<=",
        "gt" or "greaterthan" or ">" => ">",
        "ge" or ">=" => ">=",
        "in" => "in",
        _ => null,
    };

    // Names are looked up in a dictionary, which refuses lists.
    private static TemplateValue Hashable(TemplateValue value)
    {
        PythonEquality.Instance.GetHashCode(value);
        return value;
    }

    private static bool Remainder(TemplateValue value, TemplateValue divisor, int wanted) => PythonEquality.AreEqual(
        new Operators(TemplateLimits.Default).Binary("%", value, divisor), TemplateValue.Of(wanted));
}
