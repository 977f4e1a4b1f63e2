namespace Parley.Tokenizer.Templating.Values;

/// <summary>A value that a template works with; behaves as the Python value it stands for. Immutable but for namespaces.</summary>
internal abstract class TemplateValue
{
    /// <summary>Python's name of the type, as error messages write it.</summary>
    public abstract string TypeName { get; }

    /// <summary>Python's truth.</summary>
    public virtual bool IsTrue => true;

    public static TemplateValue Of(bool value) => value ? BooleanValue.True : BooleanValue.False;

    public static TemplateValue Of(long value) => IntegerValue.Shared(value);

    public static TemplateValue Of(string value) => new TextValue(value);

    /// <summary>The text of a value that must be one.</summary>
    public string ExpectText(string what) => this is TextValue text
        ? text.Text
        : throw TemplateException.Type($"{what} must be str, not {TypeName}");

    /// <summary>The whole number of a value that must be one; booleans count as 0 and 1.</summary>
    public long ExpectInteger() => this switch
    {
        IntegerValue integer => integer.Value,
        BooleanValue boolean => boolean.IsTrue ? 1 : 0,
        UndefinedValue undefined => throw undefined.Fault(),
        _ => throw TemplateException.Type($"'{TypeName}' object cannot be interpreted as an integer"),
    };

    /// <summary>The members that iterating gives.</summary>
    public virtual IReadOnlyList<TemplateValue> Iterate() => throw TemplateException.Type($"'{TypeName}' object is not iterable");
}
