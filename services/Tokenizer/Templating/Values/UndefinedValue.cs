namespace Parley.Tokenizer.Templating.Values;

/// <summary>Something that is not there: prints nothing, iterates empty, and fails where more is asked of it.</summary>
internal sealed class UndefinedValue(Func<TemplateException> fault) : TemplateValue
{
    private static readonly System.Buffers.SearchValues<char> Quotes = System.Buffers.SearchValues.Create("'\"");

    public override string TypeName => "Undefined";

    public override bool IsTrue => false;

    /// <summary>A name without a value.</summary>
    public static UndefinedValue Name(string name) => new(() => TemplateException.Undefined($"'{name}' is undefined"));

    /// <summary>A value without that attribute or element.</summary>
    public static UndefinedValue Member(TemplateValue owner, TemplateValue key) => new(() =>
    {
        var name = owner is NoneValue ? "None" : $"{owner.TypeName} object";
        return TemplateException.Undefined(key is TextValue text
            ? $"'{name}' has no attribute {Quoted(text.Text)}"
            : $"{name} has no element {Evaluation.PythonText.Repr(key).Text}");
    });

    /// <summary>A member that the sandbox keeps from templates.</summary>
    public static UndefinedValue Unsafe(TemplateValue owner, string attribute) => new(() =>
        TemplateException.Security($"access to attribute '{attribute}' of '{owner.TypeName}' object is unsafe."));

    /// <summary>The error of using it.</summary>
    public TemplateException Fault() => fault();

    public override IReadOnlyList<TemplateValue> Iterate() => [];

    private static string Quoted(string name) => name.AsSpan().ContainsAny(Quotes)
        ? Evaluation.PythonText.Repr(new TextValue(name)).Text
        : $"'{name}'";
}
