using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Formats;

namespace Parley.Gateway.Responses.Tags;

/// <summary>The calls of a request's functions, as a format writes them.</summary>
internal sealed class CallTags
{
    private readonly CallGrammar _grammar;
    private readonly List<JsonObject> _calls;

    /// <exception cref="TagException">A function cannot be enforced in the format's notation.</exception>
    public CallTags(ResponseFormat format, IReadOnlyList<ToolFunction> functions)
    {
        _grammar = format.Calls ?? throw new ArgumentException($"The format {format.Name} does not describe calls.", nameof(format));
        _calls = [.. functions.Select(function => Call(function, format.Name))];
    }

    /// <summary>Nothing but calls, at least one.</summary>
    public JsonObject All(bool single) =>
        TagNode.Sequence(TagNode.Text(_grammar.Begin), Several(single), TagNode.Text(_grammar.End));

    /// <summary>Free text with calls in it.</summary>
    public JsonObject Within(bool single)
    {
        // Where nothing ends calls but the answer's end, no text can follow them.
        var isLast = _grammar.Stop.Length > 0;
        IReadOnlyList<JsonObject> tags = _grammar.Begin.Length > 0 || _grammar.End.Length > 0
            ? [TagNode.Tag(_grammar.Begin, Several(single), _grammar.End)]
            : isLast && !single && _grammar.Between is { } between ? [.. _calls.Select(call => AndMore(call, between))] : _calls;
        single |= isLast;
        if (tags.All(tag => _grammar.Triggers.Any(trigger => ((string)tag["begin"]!).StartsWith(trigger, StringComparison.Ordinal))))
            return TagNode.Triggered(_grammar.Triggers, tags, single);

        // A call is one where the answer begins with it; what begins otherwise is text, up to a mark behind which there is a call as well.
        var marked = _grammar.Triggers.SelectMany(trigger => tags.Select(tag => Behind(trigger, tag))).ToArray();
        return TagNode.Optional(TagNode.Or(
            TagNode.Or(tags), TagNode.Or(marked),
            TagNode.Sequence(TagNode.Pattern("[^{\\s]"), TagNode.Triggered(_grammar.Triggers, marked, single))));
    }

    private JsonObject Several(bool single) =>
        single || _grammar.Between is null ? TagNode.Or(_calls) : TagNode.Separated(_calls, _grammar.Between);

    /// <summary>A call and any number of others behind it.</summary>
    private JsonObject AndMore(JsonObject call, string between) => TagNode.Tag(
        (string)call["begin"]!,
        TagNode.Sequence(
            call["content"]!.AsObject(), TagNode.Text((string)call["end"]!),
            TagNode.Star(TagNode.Sequence(TagNode.Text(between), TagNode.Or(_calls)))),
        "");

    private static JsonObject Behind(string trigger, JsonObject tag)
    {
        var marked = tag.DeepClone().AsObject();
        marked["begin"] = trigger + (string)tag["begin"]!;
        return marked;
    }

    private JsonObject Call(ToolFunction function, string format)
    {
        // Without an argument in it a call is one text: what can be said within a tag is its last character then.
        var elements = Elements(TagNode.Sequence(_grammar.Call.Select(part => Part(part, function, format))));
        var (begin, end) = (TagNode.ValueOf(elements[0]), TagNode.ValueOf(elements[^1]));
        if (elements.Count == 1)
            return TagNode.Tag(begin![..^1], TagNode.Text(begin[^1..]), "");
        var first = begin is null ? 0 : 1;
        var last = end is null ? elements.Count : elements.Count - 1;
        return TagNode.Tag(begin ?? "", TagNode.Sequence(elements[first..last]), end ?? "");
    }

    private static List<JsonObject> Elements(JsonObject call) => (string?)call["type"] == "sequence"
        ? [.. call["elements"]!.AsArray().Select(element => element!.AsObject())] : [call];

    private static JsonObject Part(CallPart part, ToolFunction function, string format) => part.Kind switch
    {
        CallPartKind.Text => TagNode.Text(part.Text),
        CallPartKind.Name or CallPartKind.NameInJson => TagNode.Text(Name(function)),
        CallPartKind.Index => TagNode.Pattern("[0-9]{1,3}"),
        CallPartKind.JsonArguments => TagNode.Schema(JsonArguments(function)),
        CallPartKind.TaggedArguments => new TaggedArguments(part.Tags, function, format).Write(),
        CallPartKind.DialectArguments => new DialectArguments(part.Text, function, format).Write(),
        _ => new PythonArguments(function, format).Write(),
    };

    /// <summary>A name that no notation could read as something else.</summary>
    private static string Name(ToolFunction function) =>
        function.Name.All(one => char.IsAsciiLetterOrDigit(one) || one is '_' or '-' or '.') ? function.Name
        : throw new TagException(function.Index, ".function.name", "must consist of letters, digits, '_', '-' and '.' to be enforced");

    /// <summary>The schema of arguments that are one JSON object.</summary>
    /// <exception cref="TagException">It is no object's.</exception>
    public static JsonObject JsonArguments(ToolFunction function)
    {
        if (function.IsFree)
            return new JsonObject { ["type"] = "object" };
        if (function.Parameters is not { } parameters)
            return new JsonObject { ["type"] = "object", ["additionalProperties"] = false };
        if (parameters["type"] is null)
        {
            var typed = parameters.DeepClone().AsObject();
            typed["type"] = "object";
            return typed;
        }

        return parameters["type"] is JsonValue type && type.ToString() == "object" ? parameters
            : throw new TagException(function.Index, ".function.parameters.type", "must be 'object' for arguments to be enforced");
    }
}
