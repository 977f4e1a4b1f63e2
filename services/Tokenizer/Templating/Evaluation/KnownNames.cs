using Parley.Tokenizer.Templating.Syntax;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Looks at the names of filters and tests when a template is loaded.</summary>
internal static class KnownNames
{
    /// <summary>Refuses what does not exist, as Jinja does: what may never run may name it, until it runs.</summary>
    /// <exception cref="TemplateException">A filter or a test does not exist.</exception>
    public static void Check(IReadOnlyList<TemplateStatement> template)
    {
        foreach (var (part, _, isConditional) in TemplateTree.Walk(template))
        {
            var (what, name) = part switch
            {
                TemplateExpression.Filter filter when !FilterParameters.IsKnown(filter.Identifier) => ("filter", filter.Identifier),
                TemplateExpression.Test test when !Tests.IsKnown(test.Identifier) => ("test", test.Identifier),
                _ => (null, null),
            };
            if (name is not null && !isConditional)
                throw new TemplateException("TemplateAssertionError", $"No {what} named '{name}'.");
        }
    }
}
