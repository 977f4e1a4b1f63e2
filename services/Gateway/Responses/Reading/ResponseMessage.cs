using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Templates;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Reading;

/// <summary>The message that transformers makes of an answer: defaults, then the value of each region as it closes.</summary>
internal sealed class ResponseMessage(ResponseTemplate template)
{
    private readonly JsonObject _message = template.Defaults.DeepClone().AsObject();

    /// <exception cref="ResponseFormatException">A region's text is not what its field says.</exception>
    public void Add(ResponseEvent happened)
    {
        if (happened is not ResponseEvent.Closed { Field: var field } closed)
            return;
        if (closed.Fault is not null)
            throw new ResponseFormatException($"field '{field.Name}': {closed.Fault}");
        var value = closed.Value?.DeepClone();
        if (field.Join is not null)
        {
            var text = PythonTruth.Text(value) ?? throw new ResponseFormatException($"field '{field.Name}': only texts can be joined");
            _message[field.Name] = _message[field.Name] is not { } before ? text
                : (PythonTruth.Text(before) ?? throw new ResponseFormatException($"field '{field.Name}': only texts can be joined"))
                    + field.Join + text;
        }
        else if (field.Repeats)
        {
            if (!_message.TryGetPropertyValue(field.Name, out var before))
                _message[field.Name] = before = new JsonArray();
            (before as JsonArray ?? throw new ResponseFormatException($"field '{field.Name}': its default is no list")).Add(value);
        }
        else
        {
            _message[field.Name] = value;
        }
    }

    /// <summary>The message, without what is empty and no default.</summary>
    /// <exception cref="ResponseFormatException">A field that must be there is not.</exception>
    public JsonObject Finish()
    {
        foreach (var field in template.Fields.Values)
        {
            if (!field.IsOptional && !_message.ContainsKey(field.Name))
                throw new ResponseFormatException($"field '{field.Name}' must be there and is not");
        }

        foreach (var name in _message.Where(one => PythonTruth.IsEmpty(one.Value)).Select(one => one.Key).ToArray())
        {
            if (!template.Defaults.ContainsKey(name))
                _message.Remove(name);
        }

        return _message;
    }
}
