using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Syntax;

/// <summary>The statements of a template.</summary>
internal abstract record TemplateStatement
{
    public sealed record Data(TextValue Text) : TemplateStatement;

    public sealed record Output(TemplateExpression Expression) : TemplateStatement;

    public sealed record If(
        IReadOnlyList<KeyValuePair<TemplateExpression, IReadOnlyList<TemplateStatement>>> Branches,
        IReadOnlyList<TemplateStatement> Else) : TemplateStatement;

    public sealed record For(
        AssignTarget Target, TemplateExpression Items, TemplateExpression? Condition, bool IsRecursive,
        IReadOnlyList<TemplateStatement> Body, IReadOnlyList<TemplateStatement> Else) : TemplateStatement;

    public sealed record Set(AssignTarget Target, TemplateExpression Value) : TemplateStatement;

    public sealed record SetBlock(
        AssignTarget Target, TemplateExpression.Filter? Filter, IReadOnlyList<TemplateStatement> Body) : TemplateStatement;

    public sealed record Macro(
        string Name, IReadOnlyList<Parameter> Parameters, IReadOnlyList<TemplateStatement> Body, bool UsesCaller, bool UsesVarargs,
        bool UsesKwargs) : TemplateStatement;

    public sealed record CallBlock(TemplateExpression.Call Call, Macro Caller) : TemplateStatement;

    public sealed record FilterBlock(TemplateExpression.Filter Filter, IReadOnlyList<TemplateStatement> Body) : TemplateStatement;

    public sealed record With(
        IReadOnlyList<KeyValuePair<AssignTarget, TemplateExpression>> Variables, IReadOnlyList<TemplateStatement> Body) : TemplateStatement;

    /// <summary>A body with a scope of its own (<c>generation</c>).</summary>
    public sealed record Block(IReadOnlyList<TemplateStatement> Body) : TemplateStatement;

    public sealed record Break : TemplateStatement;

    public sealed record Continue : TemplateStatement;

    /// <summary>What is assigned to: a name, an attribute of a namespace, or several of them.</summary>
    public sealed record AssignTarget(string? Name, string? Attribute, IReadOnlyList<AssignTarget>? Items);

    public sealed record Parameter(string Name, TemplateExpression? Default);
}
