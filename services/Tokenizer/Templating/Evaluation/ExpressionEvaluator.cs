using Parley.Tokenizer.Templating.Syntax;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Evaluates the expressions of a template.</summary>
internal sealed class ExpressionEvaluator
{
    private readonly EvaluationBudget _budget;
    private readonly Operators _operators;
    private readonly Members _members;
    private readonly Filters _filters;
    private readonly TemplateLimits _limits;

    public ExpressionEvaluator(TemplateLimits limits, EvaluationBudget budget)
    {
        _budget = budget;
        _limits = limits;
        _operators = new Operators(limits);
        _members = new Members(limits);
        _filters = new Filters(_members, limits);
    }

    public TemplateValue Evaluate(TemplateExpression expression, TemplateScope scope)
    {
        _budget.Enter();
        var value = Value(expression, scope);
        _budget.Leave();
        return value;
    }

    private TemplateValue Value(TemplateExpression expression, TemplateScope scope)
    {
        switch (expression)
        {
            case TemplateExpression.Constant constant:
                return constant.Value;
            case TemplateExpression.Name name:
                return scope.Find(name.Identifier) ?? name.Missing;
            case TemplateExpression.Attribute attribute:
                return _members.Attribute(Evaluate(attribute.Owner, scope), attribute.Key);
            case TemplateExpression.Element element:
                return Element(element, scope);
            case TemplateExpression.Binary { Summands: { Count: > 0 } summands }:
                return Sum(summands, scope);
            case TemplateExpression.Binary binary:
                return _operators.Binary(binary.Operator, Evaluate(binary.Left, scope), Evaluate(binary.Right, scope));
            case TemplateExpression.Comparison comparison:
                return Compare(comparison, scope);
            case TemplateExpression.Logic logic:
                var left = Evaluate(logic.Left, scope);
                return left.IsTrue == logic.IsAnd ? Evaluate(logic.Right, scope) : left;
            case TemplateExpression.Not not:
                return TemplateValue.Of(!Evaluate(not.Operand, scope).IsTrue);
            case TemplateExpression.Filter filter:
                return Filter(filter, null, scope);
            case TemplateExpression.Test test:
                return Test(test, scope);
            case TemplateExpression.Call call:
                return Call(Evaluate(call.Callee, scope), call.Arguments, scope, null);
            case TemplateExpression.Conditional conditional:
                return Evaluate(conditional.Condition, scope).IsTrue ? Evaluate(conditional.Then, scope)
                    : conditional.Else is { } other ? Evaluate(other, scope)
                    : new UndefinedValue(() => TemplateException.Undefined(
                        "the inline if-expression evaluated to false and no else section was defined."));
            case TemplateExpression.Concat concat:
                return Concat(concat, scope);
            case TemplateExpression.List list:
                var items = EvaluateAll(list.Items, scope);
                return list.IsTuple ? SequenceValue.Tuple(items) : SequenceValue.List(items);
            case TemplateExpression.Dictionary dictionary:
                return CreateDictionary(dictionary, scope);
            case TemplateExpression.Sign sign:
                return Arithmetic.Negate(Evaluate(sign.Operand, scope), sign.IsNegative);
            default:
                throw TemplateException.Type("a slice cannot stand here");
        }
    }

    private TemplateValue Sum(IReadOnlyList<TemplateExpression> summands, TemplateScope scope)
    {
        var texts = new TextValue[summands.Count];
        var count = 0;
        TemplateValue? sum = null;
        for (var i = 0; i < texts.Length; i++)
        {
            if (i > 1)
                _budget.Step();
            var value = Evaluate(summands[i], scope);
            // Plain texts wait for each other; whatever else comes meets what has been added up so far.
            if (sum is null && value is TextValue { IsMarkup: false } text)
            {
                texts[count++] = text;
                continue;
            }

            if (count > 0)
                sum = _operators.Join(texts.AsSpan(0, count));
            count = 0;
            sum = sum is null ? value : _operators.Binary("+", sum, value);
        }

        return sum ?? _operators.Join(texts.AsSpan(0, count));
    }

    // In methods of their own: a lambda that takes the scope along would cost an object at each evaluation.
    private TemplateValue[] EvaluateAll(IReadOnlyList<TemplateExpression> expressions, TemplateScope scope)
    {
        var values = new TemplateValue[expressions.Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = Evaluate(expressions[i], scope);
        return values;
    }

    private DictionaryValue CreateDictionary(TemplateExpression.Dictionary dictionary, TemplateScope scope) =>
        new(dictionary.Entries.Select(entry =>
            new KeyValuePair<TemplateValue, TemplateValue>(Evaluate(entry.Key, scope), Evaluate(entry.Value, scope))));

    /// <summary>Applies a chain of filters; the innermost takes <paramref name="operand"/> where it has none of its own.</summary>
    public TemplateValue Filter(TemplateExpression.Filter filter, TemplateValue? operand, TemplateScope scope)
    {
        _budget.Enter();
        var value = filter.Operand switch
        {
            null => operand ?? UndefinedValue.Name(filter.Identifier),
            TemplateExpression.Filter inner => Filter(inner, operand, scope),
            var other => Evaluate(other, scope),
        };
        _budget.Leave();
        return _filters.Apply(filter.Identifier, value, Bind(filter.Identifier, filter.Arguments, scope, null));
    }

    /// <summary>Calls a value.</summary>
    public TemplateValue Call(
        TemplateValue callee, TemplateExpression.ArgumentList arguments, TemplateScope scope, KeyValuePair<string, TemplateValue>? caller)
    {
        var bound = Bind(callee.TypeName, arguments, scope, caller);
        return callee switch
        {
            FunctionValue function => function.Call(bound),
            LoopValue loop => loop.Call(bound),
            UndefinedValue undefined => throw undefined.Fault(),
            _ => throw TemplateException.Type($"'{callee.TypeName}' object is not callable"),
        };
    }

    private TemplateValue Element(TemplateExpression.Element element, TemplateScope scope)
    {
        var owner = Evaluate(element.Owner, scope);
        if (element.Key is not TemplateExpression.Slice slice)
            return _members.Element(owner, Evaluate(element.Key, scope));
        if (IsLiteral(element.Owner) && owner is not (TextValue or SequenceValue))
            return UndefinedValue.Member(owner, new TextValue("slice"));
        return Members.Slice(owner, Bound(slice.Start), Bound(slice.Stop), Bound(slice.Step));

        TemplateValue? Bound(TemplateExpression? expression) => expression is null ? null : Evaluate(expression, scope);
    }

    // What Jinja works out when it compiles: there a slice of what has none is undefined, and not yet the error that Python makes of it.
    private static bool IsLiteral(TemplateExpression expression) => expression switch
    {
        TemplateExpression.Constant => true,
        TemplateExpression.Sign sign => IsLiteral(sign.Operand),
        TemplateExpression.List list => list.Items.All(IsLiteral),
        TemplateExpression.Dictionary dictionary => dictionary.Entries.All(entry => IsLiteral(entry.Key) && IsLiteral(entry.Value)),
        _ => false,
    };

    private BooleanValue Compare(TemplateExpression.Comparison comparison, TemplateScope scope)
    {
        var left = Evaluate(comparison.First, scope);
        for (var i = 0; i < comparison.Rest.Count; i++)
        {
            var (name, expression) = comparison.Rest[i];
            var right = Evaluate(expression, scope);
            if (!Operators.Holds(name, left, right))
                return BooleanValue.False;
            left = right;
        }

        return BooleanValue.True;
    }

    private BooleanValue Test(TemplateExpression.Test test, TemplateScope scope)
    {
        var arguments = Bind(test.Identifier, test.Arguments, scope, null);
        var passes = Tests.Find(test.Identifier, Evaluate(test.Operand, scope), arguments)
            ?? throw new TemplateException("TemplateRuntimeError", $"No test named '{test.Identifier}' found.");
        return passes ? BooleanValue.True : BooleanValue.False;
    }

    private TextValue Concat(TemplateExpression.Concat concat, TemplateScope scope)
    {
        var builder = new TextBuilder(_limits.CharactersMax);
        foreach (var part in concat.Parts)
            builder.Append(PythonText.Str(Evaluate(part, scope)));
        return builder.ToValue();
    }

    private CallArguments Bind(
        string callee, TemplateExpression.ArgumentList arguments, TemplateScope scope, KeyValuePair<string, TemplateValue>? caller)
    {
        if (ReferenceEquals(arguments, TemplateExpression.ArgumentList.None) && caller is null)
            return CallArguments.None;
        if (arguments is { Keywords.Count: 0, MorePositional: null, MoreKeywords: null } && caller is null)
            return new CallArguments(callee, EvaluateAll(arguments.Positional, scope), []);
        var positional = new List<TemplateValue>(EvaluateAll(arguments.Positional, scope));
        if (arguments.MorePositional is { } more)
            positional.AddRange(Evaluate(more, scope).Iterate());
        var keywords = new List<KeyValuePair<string, TemplateValue>>();
        foreach (var (name, value) in arguments.Keywords)
            keywords.Add(new(name, Evaluate(value, scope)));
        if (arguments.MoreKeywords is { } rest)
        {
            if (Evaluate(rest, scope) is not DictionaryValue dictionary)
                throw TemplateException.Type("argument after ** must be a mapping");
            keywords.AddRange(dictionary.Entries.Select(entry =>
                new KeyValuePair<string, TemplateValue>(entry.Key.ExpectText("keywords"), entry.Value)));
        }

        if (caller is { } block)
            keywords.Add(block);
        return new CallArguments(callee, positional, keywords);
    }
}
