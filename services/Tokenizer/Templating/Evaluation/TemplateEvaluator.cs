using Parley.Tokenizer.Templating.Syntax;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Runs the statements of one template for one chat. Every statement and expression is a step, and steps are counted.</summary>
internal sealed class TemplateEvaluator
{
    private readonly TemplateLimits _limits;
    private readonly EvaluationBudget _budget;
    private readonly ExpressionEvaluator _expressions;
    private TextBuilder _output;

    private TemplateEvaluator(TemplateLimits limits, int charactersExpected)
    {
        _limits = limits;
        _output = new TextBuilder(limits.CharactersMax, charactersExpected);
        _budget = new EvaluationBudget(limits);
        _expressions = new ExpressionEvaluator(limits, _budget);
    }

    private enum Signal
    {
        None,
        Break,
        Continue,
    }

    /// <param name="template">The template.</param>
    /// <param name="scope">What it sees.</param>
    /// <param name="limits">Bounds on steps, depth and output.</param>
    /// <param name="charactersExpected">The room to begin with.</param>
    /// <exception cref="TemplateException">The template failed, or reached a limit.</exception>
    public static TextValue Run(
        IReadOnlyList<TemplateStatement> template, TemplateScope scope, TemplateLimits limits, int charactersExpected)
    {
        var evaluator = new TemplateEvaluator(limits, charactersExpected);
        try
        {
            evaluator.Execute(template, scope);
        }
        catch (InsufficientExecutionStackException)
        {
            throw TemplateException.Limit("expressions and blocks in each other", limits.LevelsMax);
        }

        return evaluator._output.ToValue();
    }

    private Signal Execute(IReadOnlyList<TemplateStatement> statements, TemplateScope scope)
    {
        for (var i = 0; i < statements.Count; i++)
        {
            _budget.Enter();
            var signal = Execute(statements[i], scope);
            _budget.Leave();
            if (signal != Signal.None)
                return signal;
        }

        return Signal.None;
    }

    private Signal Execute(TemplateStatement statement, TemplateScope scope)
    {
        switch (statement)
        {
            case TemplateStatement.Data data:
                _output.Append(data.Text);
                break;
            case TemplateStatement.Output output:
                _output.Append(PythonText.Str(_expressions.Evaluate(output.Expression, scope)));
                break;
            case TemplateStatement.If branches:
                return ExecuteIf(branches, scope);
            case TemplateStatement.For loop:
                ExecuteFor(loop, _expressions.Evaluate(loop.Items, scope), scope, depth: 0);
                break;
            case TemplateStatement.Set set:
                Assign(set.Target, _expressions.Evaluate(set.Value, scope), scope);
                break;
            case TemplateStatement.SetBlock set:
                var block = CaptureBlock(set.Body, scope);
                Assign(set.Target, set.Filter is null ? block : _expressions.Filter(set.Filter, block, scope), scope);
                break;
            case TemplateStatement.Macro macro:
                scope.Set(macro.Name, CreateMacro(macro, scope));
                break;
            case TemplateStatement.CallBlock call:
                var callee = _expressions.Evaluate(call.Call.Callee, scope);
                var caller = new KeyValuePair<string, TemplateValue>("caller", CreateMacro(call.Caller, scope));
                WriteBlock(_expressions.Call(callee, call.Call.Arguments, scope, caller));
                break;
            case TemplateStatement.FilterBlock filter:
                var body = CaptureBlock(filter.Body, scope);
                WriteBlock(_expressions.Filter(filter.Filter, body, scope));
                break;
            case TemplateStatement.With with:
                var inner = new TemplateScope(scope);
                foreach (var (target, expression) in with.Variables)
                    Assign(target, _expressions.Evaluate(expression, scope), inner);
                return Execute(with.Body, inner);
            case TemplateStatement.Block nested:
                return Execute(nested.Body, new TemplateScope(scope));
            case TemplateStatement.Break:
                return Signal.Break;
            case TemplateStatement.Continue:
                return Signal.Continue;
        }

        return Signal.None;
    }

    // Unlike an expression's, a block's value is not turned into a text.
    private void WriteBlock(TemplateValue value) => _output.Append(value as TextValue
        ?? throw TemplateException.Type($"sequence item 0: expected str instance, {value.TypeName} found"));

    private Signal ExecuteIf(TemplateStatement.If branches, TemplateScope scope)
    {
        for (var i = 0; i < branches.Branches.Count; i++)
        {
            if (_expressions.Evaluate(branches.Branches[i].Key, scope).IsTrue)
                return Execute(branches.Branches[i].Value, scope);
        }

        return Execute(branches.Else, scope);
    }

    private void ExecuteFor(TemplateStatement.For loop, TemplateValue source, TemplateScope scope, int depth)
    {
        var items = source.Iterate();
        if (loop.Condition is { } condition)
            items = Filtered(items, loop.Target, condition, scope);

        if (items.Count == 0)
        {
            Execute(loop.Else, new TemplateScope(scope));
            return;
        }

        var state = new LoopValue(items, depth, loop.IsRecursive ? Recursion(loop, scope, depth) : null);
        for (var i = 0; i < items.Count; i++)
        {
            _budget.Step();
            state.Index = i;
            // A scope for each round: what a round sets is gone in the next.
            var round = new TemplateScope(scope);
            round.Set("loop", state);
            Assign(loop.Target, items[i], round);
            if (Execute(loop.Body, round) != Signal.Break)
                continue;
            if (loop.Condition is null && source is SequenceValue sequence)
                sequence.PutBack(items.Count - i - 1);
            break;
        }
    }

    private List<TemplateValue> Filtered(
        IReadOnlyList<TemplateValue> items, TemplateStatement.AssignTarget target, TemplateExpression condition, TemplateScope scope)
    {
        var kept = new List<TemplateValue>();
        foreach (var item in items)
        {
            _budget.Step();
            var test = new TemplateScope(scope);
            Assign(target, item, test);
            if (_expressions.Evaluate(condition, test).IsTrue)
                kept.Add(item);
        }

        return kept;
    }

    // Lambdas stand in methods of their own: one that takes a parameter along costs an object at each call of the method around it.
    private Func<CallArguments, TemplateValue> Recursion(TemplateStatement.For loop, TemplateScope scope, int depth) =>
        arguments => Recurse(loop, arguments, scope, depth);

    private TextValue CaptureBlock(IReadOnlyList<TemplateStatement> body, TemplateScope scope) =>
        Capture(() => Execute(body, new TemplateScope(scope)));

    private TextValue Recurse(TemplateStatement.For loop, CallArguments arguments, TemplateScope scope, int depth)
    {
        _budget.Call();
        var text = Capture(() => ExecuteFor(loop, arguments.Require(0, "iterable"), scope, depth + 1));
        _budget.Return();
        return text;
    }

    private TextValue Capture(Action write)
    {
        var outer = _output;
        _output = new TextBuilder(_limits.CharactersMax);
        write();
        var text = _output.ToValue();
        _output = outer;
        return text;
    }

    private static void Assign(TemplateStatement.AssignTarget target, TemplateValue value, TemplateScope scope)
    {
        if (target.Items is { } targets)
        {
            var values = value.Iterate();
            if (values.Count != targets.Count)
            {
                throw TemplateException.Value(values.Count > targets.Count
                    ? $"too many values to unpack (expected {targets.Count})"
                    : $"not enough values to unpack (expected {targets.Count}, got {values.Count})");
            }

            for (var i = 0; i < targets.Count; i++)
                Assign(targets[i], values[i], scope);
            return;
        }

        if (target.Attribute is null)
        {
            scope.Set(target.Name!, value);
            return;
        }

        if (scope.Find(target.Name!) is not NamespaceValue space)
            throw new TemplateException("TemplateRuntimeError", "cannot assign attribute on non-namespace object");
        space.Set(target.Attribute, value);
    }

    private FunctionValue CreateMacro(TemplateStatement.Macro macro, TemplateScope scope) => new("Macro", arguments =>
    {
        _budget.Call();
        var text = CallMacro(macro, arguments, scope);
        _budget.Return();
        return text;
    })
    {
        Attributes = new Dictionary<string, TemplateValue>
        {
            ["name"] = new TextValue(macro.Name),
            ["arguments"] = SequenceValue.Tuple([.. macro.Parameters.Select(parameter => new TextValue(parameter.Name))]),
            ["caller"] = TemplateValue.Of(macro.UsesCaller),
            ["catch_kwargs"] = TemplateValue.Of(macro.UsesKwargs),
            ["catch_varargs"] = TemplateValue.Of(macro.UsesVarargs),
        },
    };

    private TextValue CallMacro(TemplateStatement.Macro macro, CallArguments arguments, TemplateScope scope)
    {
        var inner = new TemplateScope(scope);
        var parameters = macro.Parameters;
        var keywords = arguments.Keywords.ToList();
        for (var i = 0; i < parameters.Count; i++)
        {
            var name = parameters[i].Name;
            var given = arguments.Find(i, name);
            // One that a position has filled already is left over, as any other that the macro does not know.
            if (i >= arguments.Positional.Count)
                keywords.RemoveAll(pair => pair.Key == name);
            inner.Set(name, given ?? (parameters[i].Default is { } unset
                ? _expressions.Evaluate(unset, inner)
                : new UndefinedValue(() => TemplateException.Undefined($"parameter '{name}' was not provided"))));
        }

        var takesCaller = macro.UsesCaller && !parameters.Any(parameter => parameter.Name == "caller");
        if (takesCaller)
            inner.Set("caller", arguments.Find(int.MaxValue, "caller")
                ?? new UndefinedValue(() => TemplateException.Undefined("No caller defined")));
        keywords.RemoveAll(pair => takesCaller && pair.Key == "caller");
        if (macro.UsesKwargs)
            inner.Set("kwargs", new DictionaryValue(keywords.Select(pair =>
                new KeyValuePair<TemplateValue, TemplateValue>(new TextValue(pair.Key), pair.Value))));
        else if (keywords.Count > 0)
            throw TemplateException.Type($"macro '{macro.Name}' takes no keyword argument '{keywords[0].Key}'");
        if (macro.UsesVarargs)
            inner.Set("varargs", SequenceValue.Tuple([.. arguments.Positional.Skip(parameters.Count)]));
        else if (arguments.Positional.Count > parameters.Count)
            throw TemplateException.Type($"macro '{macro.Name}' takes not more than {parameters.Count} argument(s)");
        return Capture(() => Execute(macro.Body, inner));
    }
}
