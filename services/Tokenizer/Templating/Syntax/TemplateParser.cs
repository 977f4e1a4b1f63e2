using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Syntax;

/// <summary>Tokens → statements. A template is parsed once, when the model is loaded.</summary>
internal sealed class TemplateParser
{
    private readonly TokenStream _tokens;
    private readonly ExpressionParser _expressions;
    private int _loopDepth;

    private TemplateParser(TokenStream tokens)
    {
        _tokens = tokens;
        _expressions = new ExpressionParser(tokens);
    }

    /// <exception cref="TemplateException">The template is not valid, or nested deeper than the limit.</exception>
    public static IReadOnlyList<TemplateStatement> Parse(string template, int depthMax)
    {
        var parser = new TemplateParser(new TokenStream(TemplateLexer.Read(template), depthMax));
        var body = parser.ParseBody();
        TemplateTree.CheckHeight(body, TemplateLimits.Levels(depthMax));
        return body;
    }

    private List<TemplateStatement> ParseBody(params ReadOnlySpan<string> ends)
    {
        _tokens.Enter();
        var body = new List<TemplateStatement>();
        while (true)
        {
            var token = _tokens.Current;
            switch (token.Kind)
            {
                case TemplateToken.Form.Data:
                    body.Add(new TemplateStatement.Data(new TextValue(_tokens.Next().Text)));
                    break;
                case TemplateToken.Form.VariableStart:
                    _tokens.Next();
                    body.Add(new TemplateStatement.Output(_expressions.ParseTuple()));
                    _tokens.Expect(TemplateToken.Form.VariableEnd);
                    break;
                case TemplateToken.Form.BlockStart:
                    if (_tokens.Following.Kind == TemplateToken.Form.Name && ends.Contains(_tokens.Following.Text))
                    {
                        _tokens.Next();
                        _tokens.Leave();
                        return body;
                    }

                    _tokens.Next();
                    body.Add(ParseStatement());
                    break;
                case TemplateToken.Form.End when ends.IsEmpty:
                    _tokens.Leave();
                    return body;
                default:
                    throw _tokens.Fault($"unexpected end of template; expected {string.Join(" or ", ends.ToArray())}");
            }
        }
    }

    private TemplateStatement ParseStatement()
    {
        var line = _tokens.Current.Line;
        var tag = _tokens.ExpectName();
        switch (tag)
        {
            case "if":
                return ParseIf();
            case "for":
                return ParseFor();
            case "set":
                return ParseSet();
            case "macro":
                var name = _tokens.ExpectName();
                return ParseMacro(name, ParseParameters(), "endmacro");
            case "call":
                return ParseCall();
            case "filter":
                var filter = _expressions.ParseFilters(null);
                EndStatement();
                return new TemplateStatement.FilterBlock(filter, ParseBlock("endfilter"));
            case "with":
                return ParseWith();
            case "generation":
                EndStatement();
                return new TemplateStatement.Block(ParseBlock("endgeneration"));
            case "break" or "continue" when _loopDepth > 0:
                EndStatement();
                return tag == "break" ? new TemplateStatement.Break() : new TemplateStatement.Continue();
            default:
                throw TemplateException.Syntax($"Encountered unknown tag '{tag}'.", line);
        }
    }

    private void EndStatement() => _tokens.Expect(TemplateToken.Form.BlockEnd);

    private List<TemplateStatement> ParseBlock(string end)
    {
        var body = ParseBody(end);
        _tokens.Next();
        EndStatement();
        return body;
    }

    private TemplateStatement.If ParseIf()
    {
        var branches = new List<KeyValuePair<TemplateExpression, IReadOnlyList<TemplateStatement>>>();
        IReadOnlyList<TemplateStatement> otherwise = [];
        for (var tag = "elif"; tag == "elif";)
        {
            var test = _expressions.ParseTuple(withConditional: false);
            EndStatement();
            branches.Add(new(test, ParseBody("elif", "else", "endif")));
            tag = _tokens.Next().Text;
            if (tag == "else")
            {
                EndStatement();
                otherwise = ParseBody("endif");
                _tokens.Next();
            }
        }

        EndStatement();
        return new TemplateStatement.If(branches, otherwise);
    }

    private TemplateStatement.For ParseFor()
    {
        var target = ParseTarget("in");
        if (target.Name == "loop" || target.Items?.Any(item => item.Name == "loop") == true)
            throw _tokens.Fault("Can't assign to special loop variable in for-loop target");
        if (!_tokens.SkipName("in"))
            throw _tokens.Fault("expected 'in'");
        var items = _expressions.ParseTuple(withConditional: false, endName: "recursive");
        var condition = _tokens.SkipName("if") ? _expressions.Parse() : null;
        var isRecursive = _tokens.SkipName("recursive");
        EndStatement();
        _loopDepth++;
        var body = ParseBody("endfor", "else");
        _loopDepth--;
        IReadOnlyList<TemplateStatement> otherwise = [];
        if (_tokens.Next().Text == "else")
        {
            EndStatement();
            otherwise = ParseBody("endfor");
            _tokens.Next();
        }

        EndStatement();
        return new TemplateStatement.For(target, items, condition, isRecursive, body, otherwise);
    }

    private TemplateStatement ParseSet()
    {
        var target = ParseTarget("=");
        if (_tokens.Skip("="))
        {
            var value = _expressions.ParseTuple();
            EndStatement();
            return new TemplateStatement.Set(target, value);
        }

        var filter = _tokens.Skip("|") ? _expressions.ParseFilters(null) : null;
        EndStatement();
        return new TemplateStatement.SetBlock(target, filter, ParseBlock("endset"));
    }

    private TemplateStatement.AssignTarget ParseTarget(string end)
    {
        var items = new List<TemplateStatement.AssignTarget>();
        var isTuple = false;
        do
        {
            if (_tokens.Current.Is(end) || _tokens.Current.IsName(end))
                break;
            if (_tokens.Skip("("))
            {
                _tokens.Enter();
                items.Add(ParseTarget(")"));
                _tokens.Leave();
                _tokens.Expect(")");
            }
            else
            {
                var name = _tokens.ExpectName();
                if (name is "true" or "false" or "none" or "True" or "False" or "None")
                    throw _tokens.Fault($"can't assign to '{name}'");
                items.Add(new TemplateStatement.AssignTarget(name, _tokens.Skip(".") ? _tokens.ExpectName() : null, null));
            }

            isTuple |= _tokens.Current.Is(",");
        }
        while (_tokens.Skip(","));
        return items.Count == 1 && !isTuple ? items[0] : new TemplateStatement.AssignTarget(null, null, items);
    }

    private List<TemplateStatement.Parameter> ParseParameters()
    {
        var parameters = new List<TemplateStatement.Parameter>();
        _tokens.Expect("(");
        while (!_tokens.Current.Is(")"))
        {
            var name = _tokens.ExpectName();
            if (parameters.Exists(parameter => parameter.Name == name))
                throw _tokens.Fault($"duplicate argument '{name}' in a macro");
            var unset = _tokens.Skip("=") ? _expressions.Parse() : null;
            if (unset is null && parameters.Exists(parameter => parameter.Default is not null))
                throw _tokens.Fault("non-default argument follows default argument");
            parameters.Add(new TemplateStatement.Parameter(name, unset));
            if (!_tokens.Skip(","))
                break;
        }

        _tokens.Expect(")");
        return parameters;
    }

    private TemplateStatement.Macro ParseMacro(string name, List<TemplateStatement.Parameter> parameters, string end)
    {
        EndStatement();
        var loops = _loopDepth;
        _loopDepth = 0;
        var body = ParseBlock(end);
        _loopDepth = loops;
        return new TemplateStatement.Macro(name, parameters, body, UsesName(body, "caller"), UsesName(body, "varargs"),
            UsesName(body, "kwargs"));
    }

    private TemplateStatement.CallBlock ParseCall()
    {
        var parameters = _tokens.Current.Is("(") ? ParseParameters() : [];
        if (_expressions.Parse() is not TemplateExpression.Call call)
            throw _tokens.Fault("expected a call");
        return new TemplateStatement.CallBlock(call, ParseMacro("caller", parameters, "endcall"));
    }

    private TemplateStatement.With ParseWith()
    {
        var variables = new List<KeyValuePair<TemplateStatement.AssignTarget, TemplateExpression>>();
        while (_tokens.Current.Kind != TemplateToken.Form.BlockEnd)
        {
            if (variables.Count > 0)
                _tokens.Expect(",");
            var target = new TemplateStatement.AssignTarget(_tokens.ExpectName(), null, null);
            _tokens.Expect("=");
            variables.Add(new(target, _expressions.Parse()));
        }

        EndStatement();
        return new TemplateStatement.With(variables, ParseBlock("endwith"));
    }

    // Jinja gives a macro these three only where its body names them; records print all of their parts, names included.
    private static bool UsesName(List<TemplateStatement> body, string name) => TemplateTree.Uses(body, name);
}
