using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>The functions that transformers gives every template.</summary>
internal static class Globals
{
    private const int RangeMax = 100_000;

    /// <summary>Puts them into a scope.</summary>
    public static void Define(TemplateScope scope, TimeProvider clock)
    {
        scope.Set("raise_exception", new FunctionValue("function", arguments =>
            throw new TemplateException("TemplateError", PythonText.Str(arguments.Require(0, "message")).Text)));
        scope.Set("strftime_now", new FunctionValue("function", arguments =>
            new TextValue(PythonTime.Format(clock.GetLocalNow(), arguments.Require(0, "format").ExpectText("format")))));
        scope.Set("range", new FunctionValue("function", Range));
        scope.Set("namespace", new FunctionValue("type", arguments =>
        {
            var space = new NamespaceValue();
            foreach (var (key, value) in Entries(arguments))
                space.Set(key.ExpectText("the name of an attribute"), value);
            return space;
        }));
        scope.Set("dict", new FunctionValue("TemplateDict", arguments => new DictionaryValue(Entries(arguments)))
        {
            Attributes = new Dictionary<string, TemplateValue>
            {
                ["fromkeys"] = new FunctionValue("method", Members.FromKeys),
            },
        });
        // Jinja's writes random filler; no prompt wants it, and the same chat would never be the same text.
        scope.Set("lipsum", new FunctionValue("function", _ =>
            throw new TemplateException("TemplateError", "lipsum() writes random text and is not supported in chat templates here.")));
        scope.Set("cycler", new FunctionValue("type", Cycler));
        scope.Set("joiner", new FunctionValue("type", arguments =>
        {
            var separator = arguments.Find(0, "sep") ?? new TextValue(", ");
            var isUsed = false;
            return new FunctionValue("Joiner", _ =>
            {
                var text = isUsed ? separator : TextValue.Empty;
                isUsed = true;
                return text;
            });
        }));
    }

    private static IEnumerable<KeyValuePair<TemplateValue, TemplateValue>> Entries(CallArguments arguments)
    {
        foreach (var source in arguments.Positional)
        {
            if (source is DictionaryValue dictionary)
            {
                foreach (var entry in dictionary.Entries)
                    yield return entry;
                continue;
            }

            foreach (var item in source.Iterate())
            {
                var pair = item.Iterate();
                yield return pair.Count == 2 ? new(pair[0], pair[1])
                    : throw TemplateException.Value("dictionary update sequence element has no length of 2");
            }
        }

        foreach (var (key, value) in arguments.Keywords)
            yield return new(new TextValue(key), value);
    }

    private static SequenceValue Range(CallArguments arguments)
    {
        var first = arguments.Require(0, "start").ExpectInteger();
        var (start, stop) = arguments.Positional.Count > 1 ? (first, arguments.Positional[1].ExpectInteger()) : (0, first);
        var step = arguments.Positional.Count > 2 ? arguments.Positional[2].ExpectInteger() : 1;
        if (step == 0)
            throw TemplateException.Value("range() arg 3 must not be zero");
        var count = Math.Max(0, Math.Ceiling(((double)stop - start) / step));
        if (count > RangeMax)
            throw new TemplateException("OverflowError", $"Range too big. The sandbox blocks ranges larger than MAX_RANGE ({RangeMax}).");
        return new SequenceValue(SequenceValue.Form.Range,
            [.. Enumerable.Range(0, (int)count).Select(i => TemplateValue.Of(start + (i * step)))])
        {
            Bounds = (start, stop, step),
        };
    }

    private static FunctionValue Cycler(CallArguments arguments)
    {
        if (arguments.Positional.Count == 0)
            throw TemplateException.Type("at least one item has to be provided");
        var items = arguments.Positional;
        var at = 0;
        var attributes = new Dictionary<string, TemplateValue>
        {
            ["next"] = new FunctionValue("method", _ => items[at++ % items.Count]),
            ["reset"] = new FunctionValue("method", _ =>
            {
                at = 0;
                return NoneValue.Instance;
            }),
        };
        return new FunctionValue("Cycler", _ => throw TemplateException.Type("'Cycler' object is not callable"))
        {
            Attributes = attributes,
            Computed = name => name == "current" ? items[at % items.Count] : null,
        };
    }
}
