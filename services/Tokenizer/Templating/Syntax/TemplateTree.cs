using System.Collections;

namespace Parley.Tokenizer.Templating.Syntax;

/// <summary>
/// Goes through the parts of a template when it is parsed, never when it is rendered. Without recursion: a chain of operators makes a tree
/// as high as it is long.
/// </summary>
internal static class TemplateTree
{
    /// <summary>Whether any expression below reads the name.</summary>
    public static bool Uses(object? part, string name) =>
        Walk(part).Any(node => node.Part is TemplateExpression.Name identifier && identifier.Identifier == name);

    /// <summary>Refuses a template whose evaluation would go deeper than the limit.</summary>
    /// <exception cref="TemplateException">It is too high.</exception>
    public static void CheckHeight(object root, int heightMax)
    {
        if (Walk(root).Any(node => node.Height > heightMax))
            throw TemplateException.Limit("expressions and blocks in each other", heightMax);
    }

    /// <summary>
    /// Every statement and expression below, how deep it lies, and whether it may never run (within a condition, but not within a block
    /// that is compiled by itself there).
    /// </summary>
    public static IEnumerable<(object Part, int Height, bool IsConditional)> Walk(object? root)
    {
        var open = new Stack<(object? Part, int Height, bool IsConditional)>([(root, 0, false)]);
        while (open.TryPop(out var node))
        {
            switch (node.Part)
            {
                case null or string or Values.TemplateValue or bool:
                    continue;
                case IEnumerable items:
                    foreach (var item in items)
                        open.Push((item, node.Height, node.IsConditional));
                    continue;
            }

            yield return (node.Part, node.Height, node.IsConditional);
            foreach (var child in Parts(node.Part))
                open.Push((child, node.Height + 1, IsConditional(node.Part, child, node.IsConditional)));
        }
    }

    private static bool IsConditional(object part, object? child, bool within) => part switch
    {
        TemplateStatement.If or TemplateExpression.Conditional => true,
        TemplateStatement.For loop => within && ReferenceEquals(child, loop.Items),
        TemplateStatement.With with => within && !ReferenceEquals(child, with.Body),
        TemplateStatement.Macro or TemplateStatement.SetBlock or TemplateStatement.FilterBlock or TemplateStatement.Block => false,
        _ => within,
    };

    private static IEnumerable<object?> Parts(object part) => part switch
    {
        TemplateExpression.List list => [list.Items],
        TemplateExpression.Dictionary dictionary => [dictionary.Entries.Select(entry => entry.Key),
            dictionary.Entries.Select(entry => entry.Value)],
        TemplateExpression.Attribute attribute => [attribute.Owner],
        TemplateExpression.Element element => [element.Owner, element.Key],
        TemplateExpression.Slice slice => [slice.Start, slice.Stop, slice.Step],
        TemplateExpression.ArgumentList arguments =>
            [arguments.Positional, arguments.Keywords.Select(pair => pair.Value), arguments.MorePositional, arguments.MoreKeywords],
        TemplateExpression.Call call => [call.Callee, call.Arguments],
        TemplateExpression.Filter filter => [filter.Operand, filter.Arguments],
        TemplateExpression.Test test => [test.Operand, test.Arguments],
        TemplateExpression.Not not => [not.Operand],
        TemplateExpression.Sign sign => [sign.Operand],
        TemplateExpression.Logic logic => [logic.Left, logic.Right],
        TemplateExpression.Binary binary => [binary.Left, binary.Right],
        TemplateExpression.Concat concat => [concat.Parts],
        TemplateExpression.Comparison comparison => [comparison.First, comparison.Rest.Select(pair => pair.Value)],
        TemplateExpression.Conditional conditional => [conditional.Condition, conditional.Then, conditional.Else],
        TemplateStatement.Output output => [output.Expression],
        TemplateStatement.If branches =>
            [branches.Branches.Select(pair => pair.Key), branches.Branches.Select(pair => pair.Value), branches.Else],
        TemplateStatement.For loop => [loop.Items, loop.Condition, loop.Body, loop.Else],
        TemplateStatement.Set set => [set.Value],
        TemplateStatement.SetBlock set => [set.Filter, set.Body],
        TemplateStatement.Macro macro => [macro.Body, macro.Parameters.Select(parameter => parameter.Default)],
        TemplateStatement.CallBlock call => [call.Call, call.Caller],
        TemplateStatement.FilterBlock filter => [filter.Filter, filter.Body],
        TemplateStatement.With with => [with.Variables.Select(pair => pair.Value), with.Body],
        TemplateStatement.Block block => [block.Body],
        _ => [],
    };
}
