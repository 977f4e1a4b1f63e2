using System.Globalization;
using System.Numerics;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Syntax;

/// <summary>Expressions, by precedence from the conditional down to names and literals.</summary>
internal sealed class ExpressionParser(TokenStream tokens)
{
    /// <summary>An expression, or a tuple where commas follow without parentheses.</summary>
    public TemplateExpression ParseTuple(bool withConditional = true, bool explicitParentheses = false, string? endName = null)
    {
        var items = new List<TemplateExpression>();
        var isTuple = false;
        while (!EndsTuple(endName))
        {
            items.Add(withConditional ? Parse() : ParseOr());
            if (!tokens.Skip(","))
                break;
            isTuple = true;
        }

        if (isTuple || (items.Count == 0 && explicitParentheses))
            return new TemplateExpression.List(items, IsTuple: true);
        return items.Count == 1 ? items[0] : throw tokens.Fault($"expected an expression, got {TokenStream.Describe(tokens.Current)}");
    }

    public TemplateExpression Parse()
    {
        tokens.Enter();
        var expression = ParseOr();
        while (tokens.SkipName("if"))
        {
            var test = ParseOr();
            var other = tokens.SkipName("else") ? Parse() : null;
            expression = new TemplateExpression.Conditional(test, expression, other);
        }

        tokens.Leave();
        return expression;
    }

    public TemplateExpression ParseOr()
    {
        var left = ParseAnd();
        while (tokens.SkipName("or"))
            left = new TemplateExpression.Logic(left, ParseAnd(), IsAnd: false);
        return left;
    }

    /// <summary>What follows a name in a filter or a call: <c>(…)</c>, or nothing.</summary>
    public TemplateExpression.ArgumentList ParseArguments()
    {
        if (!tokens.Skip("("))
            return TemplateExpression.ArgumentList.None;
        var positional = new List<TemplateExpression>();
        var keywords = new List<KeyValuePair<string, TemplateExpression>>();
        TemplateExpression? morePositional = null, moreKeywords = null;
        while (!tokens.Current.Is(")"))
        {
            if (tokens.Skip("*"))
            {
                morePositional = Parse();
            }
            else if (tokens.Skip("**"))
            {
                moreKeywords = Parse();
            }
            else if (tokens.Current.Kind == TemplateToken.Form.Name && tokens.Following.Is("="))
            {
                var name = tokens.Next().Text;
                tokens.Next();
                keywords.Add(new(name, Parse()));
            }
            else if (keywords.Count > 0 || moreKeywords is not null)
            {
                throw tokens.Fault("a positional argument follows a keyword argument");
            }
            else
            {
                positional.Add(Parse());
            }

            if (!tokens.Skip(","))
                break;
        }

        tokens.Expect(")");
        return new TemplateExpression.ArgumentList(positional, keywords, morePositional, moreKeywords);
    }

    /// <summary>A chain of filters behind an operand (null in a filter block), from the first name on.</summary>
    public TemplateExpression.Filter ParseFilters(TemplateExpression? operand)
    {
        var filter = new TemplateExpression.Filter(operand, DottedName(), ParseArguments());
        while (tokens.Skip("|"))
            filter = new TemplateExpression.Filter(filter, DottedName(), ParseArguments());
        return filter;
    }

    private bool EndsTuple(string? endName) =>
        tokens.Current.Kind is TemplateToken.Form.VariableEnd or TemplateToken.Form.BlockEnd || tokens.Current.Is(")")
        || (endName is not null && tokens.Current.IsName(endName));

    private TemplateExpression ParseAnd()
    {
        var left = ParseNot();
        while (tokens.SkipName("and"))
            left = new TemplateExpression.Logic(left, ParseNot(), IsAnd: true);
        return left;
    }

    private TemplateExpression ParseNot()
    {
        if (!tokens.SkipName("not"))
            return ParseComparison();
        tokens.Enter();
        var operand = ParseNot();
        tokens.Leave();
        return new TemplateExpression.Not(operand);
    }

    private TemplateExpression ParseComparison()
    {
        var first = ParseSum();
        List<KeyValuePair<string, TemplateExpression>>? rest = null;
        while (true)
        {
            string? comparison = null;
            if (tokens.Current.Kind == TemplateToken.Form.Operator && tokens.Current.Text is "==" or "!=" or "<" or "<=" or ">" or ">=")
            {
                comparison = tokens.Next().Text;
            }
            else if (tokens.SkipName("in"))
            {
                comparison = "in";
            }
            else if (tokens.Current.IsName("not") && tokens.Following.IsName("in"))
            {
                tokens.Next();
                tokens.Next();
                comparison = "not in";
            }

            if (comparison is null)
                break;
            (rest ??= []).Add(new(comparison, ParseSum()));
        }

        return rest is null ? first : new TemplateExpression.Comparison(first, rest);
    }

    private TemplateExpression ParseSum()
    {
        var left = ParseConcat();
        while (tokens.Current.Is("+") || tokens.Current.Is("-"))
            left = new TemplateExpression.Binary(tokens.Next().Text, left, ParseConcat());
        return left;
    }

    private TemplateExpression ParseConcat()
    {
        var first = ParseProduct();
        if (!tokens.Current.Is("~"))
            return first;
        var parts = new List<TemplateExpression> { first };
        while (tokens.Skip("~"))
            parts.Add(ParseProduct());
        return new TemplateExpression.Concat(parts);
    }

    private TemplateExpression ParseProduct()
    {
        var left = ParsePower();
        while (tokens.Current.Kind == TemplateToken.Form.Operator && tokens.Current.Text is "*" or "/" or "//" or "%")
            left = new TemplateExpression.Binary(tokens.Next().Text, left, ParsePower());
        return left;
    }

    private TemplateExpression ParsePower()
    {
        var left = ParseUnary(withFilter: true);
        while (tokens.Skip("**"))
            left = new TemplateExpression.Binary("**", left, ParseUnary(withFilter: true));
        return left;
    }

    private TemplateExpression ParseUnary(bool withFilter)
    {
        tokens.Enter();
        TemplateExpression node;
        if (tokens.Current.Is("-") || tokens.Current.Is("+"))
        {
            var isNegative = tokens.Next().Text == "-";
            node = new TemplateExpression.Sign(ParseUnary(withFilter: false), isNegative);
        }
        else
        {
            node = ParsePostfix(ParsePrimary());
        }

        if (withFilter)
            node = ParseFilterExpression(node);
        tokens.Leave();
        return node;
    }

    private TemplateExpression ParseFilterExpression(TemplateExpression node)
    {
        while (true)
        {
            if (tokens.Skip("|"))
                node = new TemplateExpression.Filter(node, DottedName(), ParseArguments());
            else if (tokens.SkipName("is"))
                node = ParseTest(node);
            else if (tokens.Current.Is("("))
                node = new TemplateExpression.Call(node, ParseArguments());
            else
                return node;
        }
    }

    private TemplateExpression ParseTest(TemplateExpression operand)
    {
        var isNegated = tokens.SkipName("not");
        var name = DottedName();
        var arguments = TemplateExpression.ArgumentList.None;
        var current = tokens.Current;
        if (current.IsName("is"))
            throw tokens.Fault("You cannot chain multiple tests with is");
        if (current.Is("("))
        {
            arguments = ParseArguments();
        }
        else if ((current.Kind is TemplateToken.Form.Name && current.Text is not ("else" or "or" or "and"))
            || current.Kind is TemplateToken.Form.Text or TemplateToken.Form.Integer or TemplateToken.Form.Float
            || current.Is("[") || current.Is("{"))
        {
            arguments = TemplateExpression.ArgumentList.None with { Positional = [ParsePostfix(ParsePrimary())] };
        }

        TemplateExpression test = new TemplateExpression.Test(operand, name, arguments);
        return isNegated ? new TemplateExpression.Not(test) : test;
    }

    private string DottedName()
    {
        var name = tokens.ExpectName();
        while (tokens.Skip("."))
            name += "." + tokens.ExpectName();
        return name;
    }

    private TemplateExpression ParsePostfix(TemplateExpression node)
    {
        while (true)
        {
            if (tokens.Skip("."))
            {
                node = tokens.Current.Kind == TemplateToken.Form.Integer
                    ? new TemplateExpression.Element(node, ParseNumber(tokens.Next()))
                    : new TemplateExpression.Attribute(node, tokens.ExpectName());
            }
            else if (tokens.Skip("["))
            {
                node = new TemplateExpression.Element(node, ParseSubscript());
            }
            else if (tokens.Current.Is("("))
            {
                node = new TemplateExpression.Call(node, ParseArguments());
            }
            else
            {
                return node;
            }
        }
    }

    private TemplateExpression ParseSubscript()
    {
        var items = new List<TemplateExpression>();
        do
        {
            TemplateExpression? start = null;
            if (!tokens.Current.Is(":"))
                start = Parse();
            if (!tokens.Current.Is(":"))
            {
                items.Add(start!);
                continue;
            }

            tokens.Next();
            var stop = EndsSlice() ? null : Parse();
            TemplateExpression? step = null;
            if (tokens.Skip(":"))
                step = EndsSlice() ? null : Parse();
            items.Add(new TemplateExpression.Slice(start, stop, step));
        }
        while (tokens.Skip(","));
        tokens.Expect("]");
        return items.Count == 1 ? items[0] : new TemplateExpression.List(items, IsTuple: true);
    }

    private bool EndsSlice() => tokens.Current.Is(":") || tokens.Current.Is("]") || tokens.Current.Is(",");

    private TemplateExpression ParsePrimary()
    {
        var token = tokens.Current;
        switch (token.Kind)
        {
            case TemplateToken.Form.Name:
                tokens.Next();
                return token.Text switch
                {
                    "true" or "True" => new TemplateExpression.Constant(BooleanValue.True),
                    "false" or "False" => new TemplateExpression.Constant(BooleanValue.False),
                    "none" or "None" => new TemplateExpression.Constant(NoneValue.Instance),
                    _ => new TemplateExpression.Name(token.Text),
                };
            case TemplateToken.Form.Text:
                var text = "";
                while (tokens.Current.Kind == TemplateToken.Form.Text)
                    text += tokens.Next().Text;
                return new TemplateExpression.Constant(new TextValue(text));
            case TemplateToken.Form.Integer or TemplateToken.Form.Float:
                return ParseNumber(tokens.Next());
            case TemplateToken.Form.Operator when tokens.Skip("("):
                var inner = ParseTuple(explicitParentheses: true);
                tokens.Expect(")");
                return inner;
            case TemplateToken.Form.Operator when tokens.Skip("["):
                return ParseList();
            case TemplateToken.Form.Operator when tokens.Skip("{"):
                return ParseDictionary();
            default:
                throw tokens.Fault($"unexpected {TokenStream.Describe(token)}");
        }
    }

    private TemplateExpression.List ParseList()
    {
        var items = new List<TemplateExpression>();
        while (!tokens.Current.Is("]"))
        {
            items.Add(Parse());
            if (!tokens.Skip(","))
                break;
        }

        tokens.Expect("]");
        return new TemplateExpression.List(items, IsTuple: false);
    }

    private TemplateExpression.Dictionary ParseDictionary()
    {
        var entries = new List<KeyValuePair<TemplateExpression, TemplateExpression>>();
        while (!tokens.Current.Is("}"))
        {
            var key = Parse();
            tokens.Expect(":");
            entries.Add(new(key, Parse()));
            if (!tokens.Skip(","))
                break;
        }

        tokens.Expect("}");
        return new TemplateExpression.Dictionary(entries);
    }

    private TemplateExpression.Constant ParseNumber(TemplateToken token)
    {
        if (token.Kind == TemplateToken.Form.Float)
            return new(new FloatValue(double.Parse(token.Text, CultureInfo.InvariantCulture)));
        return new(TemplateValue.Of(BigInteger.Parse(token.Text, CultureInfo.InvariantCulture)));
    }
}
