namespace Parley.Tokenizer.Templating.Syntax;

/// <summary>One token of a template.</summary>
internal readonly record struct TemplateToken(TemplateToken.Form Kind, string Text, int Line)
{
    internal enum Form
    {
        Data,
        VariableStart,
        VariableEnd,
        BlockStart,
        BlockEnd,
        Name,
        Text,
        Integer,
        Float,
        Operator,
        End,
    }

    public bool Is(string operatorText) => Kind == Form.Operator && Text == operatorText;

    public bool IsName(string name) => Kind == Form.Name && Text == name;
}
