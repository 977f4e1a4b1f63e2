using System.Collections;

namespace Parley.Tokenizer.Templating.Syntax;

/// <summary>Looks for a name in a part of a template.</summary>
internal static class TemplateNames
{
    /// <summary>Whether any expression below reads the name. Runs when a template is parsed, never when it is rendered.</summary>
    public static bool Uses(object? part, string name)
    {
        switch (part)
        {
            case null or string or Values.TemplateValue or bool:
                return false;
            case TemplateExpression.Name identifier:
                return identifier.Identifier == name;
            case IEnumerable items:
                foreach (var item in items)
                {
                    if (Uses(item, name))
                        return true;
                }

                return false;
            default:
                return Parts(part).Any(child => Uses(child, name));
        }
    }

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
