namespace Parley.Tokenizer.Templating.Syntax;

/// <summary>The tokens of a template as a parser reads them, with the bound on nesting that both parsers share.</summary>
internal sealed class TokenStream(List<TemplateToken> tokens, int depthMax)
{
    private int _position;
    private int _depth;

    public TemplateToken Current => tokens[_position];

    public TemplateToken Following => tokens[Math.Min(_position + 1, tokens.Count - 1)];

    public TemplateToken Next()
    {
        var token = tokens[_position];
        if (_position < tokens.Count - 1)
            _position++;
        return token;
    }

    public bool Skip(string operatorText)
    {
        if (!Current.Is(operatorText))
            return false;
        Next();
        return true;
    }

    public bool SkipName(string name)
    {
        if (!Current.IsName(name))
            return false;
        Next();
        return true;
    }

    public void Expect(string operatorText)
    {
        if (!Skip(operatorText))
            throw Fault($"expected '{operatorText}', got {Describe(Current)}");
    }

    public string ExpectName()
    {
        if (Current.Kind != TemplateToken.Form.Name)
            throw Fault($"expected a name, got {Describe(Current)}");
        return Next().Text;
    }

    public void Expect(TemplateToken.Form kind)
    {
        if (Current.Kind != kind)
            throw Fault($"expected {kind}, got {Describe(Current)}");
        Next();
    }

    public void Enter()
    {
        if (++_depth > depthMax)
            throw TemplateException.Limit("nested expressions and blocks", depthMax);
    }

    public void Leave() => _depth--;

    public TemplateException Fault(string what) => TemplateException.Syntax(what, Current.Line);

    public static string Describe(TemplateToken token) => token.Kind switch
    {
        TemplateToken.Form.End => "the end of the template",
        TemplateToken.Form.BlockEnd => "the end of the statement",
        TemplateToken.Form.VariableEnd => "the end of the expression",
        _ => $"'{token.Text}'",
    };
}
