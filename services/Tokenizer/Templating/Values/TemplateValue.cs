using System.Numerics;

namespace Parley.Tokenizer.Templating.Values;

/// <summary>A value that a template works with; behaves as the Python value it stands for. Immutable but for namespaces.</summary>
internal abstract class TemplateValue
{
    private const int DepthMax = 512;

    /// <summary>How deep lists and dictionaries lie within each other.</summary>
    public virtual int Depth => 0;

    /// <summary>Python's name of the type, as error messages write it.</summary>
    public abstract string TypeName { get; }

    /// <summary>Python's truth.</summary>
    public virtual bool IsTrue => true;

    /// <summary>Whether it is an int to Python, of which bool is one.</summary>
    public bool IsWhole => this is IntegerValue or BooleanValue;

    public static TemplateValue Of(bool value) => value ? BooleanValue.True : BooleanValue.False;

    public static TemplateValue Of(long value) => IntegerValue.Shared(value);

    public static TemplateValue Of(BigInteger value) =>
        value >= long.MinValue && value <= long.MaxValue ? IntegerValue.Shared((long)value) : new IntegerValue(value);

    public static TemplateValue Of(string value) => new TextValue(value);

    /// <summary>The text of a value that must be one.</summary>
    public string ExpectText(string what) => this switch
    {
        TextValue text => text.Text,
        UndefinedValue undefined => throw undefined.Fault(),
        _ => throw TemplateException.Type($"{what} must be str, not {TypeName}"),
    };

    /// <summary>The whole number of a value that must be one; booleans count as 0 and 1.</summary>
    public BigInteger ExpectWhole() => this switch
    {
        IntegerValue integer => integer.Value,
        BooleanValue boolean => boolean.IsTrue ? 1 : 0,
        UndefinedValue undefined => throw undefined.Fault(),
        _ => throw TemplateException.Type($"'{TypeName}' object cannot be interpreted as an integer"),
    };

    /// <summary>The same where it counts or places something, so that it must fit into 64 bits.</summary>
    public long ExpectInteger()
    {
        var whole = ExpectWhole();
        return whole >= long.MinValue && whole <= long.MaxValue
            ? (long)whole
            : throw new TemplateException("OverflowError", "Python int too large to convert to C ssize_t");
    }

    /// <summary>One deeper than a member, refused where whoever walks the value would use up the stack.</summary>
    protected static int Around(int depth) =>
        depth < DepthMax ? depth + 1 : throw TemplateException.Limit("lists and dictionaries in each other", DepthMax);

    /// <summary>The members that iterating gives.</summary>
    public virtual IReadOnlyList<TemplateValue> Iterate() => throw TemplateException.Type($"'{TypeName}' object is not iterable");
}
