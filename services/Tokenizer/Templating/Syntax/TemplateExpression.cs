using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Syntax;

/// <summary>The expressions of a template.</summary>
internal abstract record TemplateExpression
{
    public sealed record Constant(TemplateValue Value) : TemplateExpression;

    public sealed record Name(string Identifier) : TemplateExpression
    {
        /// <summary>What it is where nothing has that name.</summary>
        public UndefinedValue Missing { get; } = UndefinedValue.Name(Identifier);
    }

    public sealed record List(IReadOnlyList<TemplateExpression> Items, bool IsTuple) : TemplateExpression;

    public sealed record Dictionary(IReadOnlyList<KeyValuePair<TemplateExpression, TemplateExpression>> Entries) : TemplateExpression;

    public sealed record Attribute(TemplateExpression Owner, string Identifier) : TemplateExpression
    {
        /// <summary>The identifier as the key of a dictionary.</summary>
        public TextValue Key { get; } = new(Identifier);
    }

    public sealed record Element(TemplateExpression Owner, TemplateExpression Key) : TemplateExpression;

    public sealed record Slice(TemplateExpression? Start, TemplateExpression? Stop, TemplateExpression? Step) : TemplateExpression;

    public sealed record ArgumentList(
        IReadOnlyList<TemplateExpression> Positional,
        IReadOnlyList<KeyValuePair<string, TemplateExpression>> Keywords,
        TemplateExpression? MorePositional,
        TemplateExpression? MoreKeywords)
    {
        public static ArgumentList None { get; } = new([], [], null, null);
    }

    public sealed record Call(TemplateExpression Callee, ArgumentList Arguments) : TemplateExpression;

    public sealed record Filter(TemplateExpression? Operand, string Identifier, ArgumentList Arguments) : TemplateExpression;

    public sealed record Test(TemplateExpression Operand, string Identifier, ArgumentList Arguments) : TemplateExpression;

    public sealed record Not(TemplateExpression Operand) : TemplateExpression;

    public sealed record Sign(TemplateExpression Operand, bool IsNegative) : TemplateExpression;

    public sealed record Logic(TemplateExpression Left, TemplateExpression Right, bool IsAnd) : TemplateExpression;

    public sealed record Binary(string Operator, TemplateExpression Left, TemplateExpression Right) : TemplateExpression
    {
        private const int SummandsMax = 16;

        /// <summary><c>a + b + c</c> as a list from left to right, so that a text is put together once; empty for anything else.</summary>
        public IReadOnlyList<TemplateExpression> Summands { get; } = Operator != "+" ? []
            : Left is Binary { Summands: { Count: > 0 and < SummandsMax } before } ? [.. before, Right]
            : [Left, Right];
    }

    public sealed record Concat(IReadOnlyList<TemplateExpression> Parts) : TemplateExpression;

    public sealed record Comparison(
        TemplateExpression First, IReadOnlyList<KeyValuePair<string, TemplateExpression>> Rest) : TemplateExpression;

    public sealed record Conditional(TemplateExpression Condition, TemplateExpression Then, TemplateExpression? Else) : TemplateExpression;
}
