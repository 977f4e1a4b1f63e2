namespace Parley.Tokenizer.Templating;

/// <summary>A template that cannot be read or that failed; named as the reference names it.</summary>
/// <param name="kind">The reference's error, e.g. <c>TemplateError</c> (the template's own refusal) or <c>UndefinedError</c>.</param>
/// <param name="description">What went wrong.</param>
internal sealed class TemplateException(string kind, string description) : Exception($"{kind}: {description}")
{
    public string Kind { get; } = kind;

    public string Description { get; } = description;

    public static TemplateException Type(string description) => new("TypeError", description);

    public static TemplateException Value(string description) => new("ValueError", description);

    public static TemplateException Undefined(string description) => new("UndefinedError", description);

    public static TemplateException Security(string description) => new("SecurityError", description);

    public static TemplateException Syntax(string description, int line) => new("TemplateSyntaxError", $"{description} (line {line})");

    public static TemplateException Limit(string what, long max) =>
        new("LimitError", $"The template exceeds the limit of {max} {what}.");
}
