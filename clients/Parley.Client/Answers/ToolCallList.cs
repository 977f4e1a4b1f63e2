using System.Text;
using Microsoft.Extensions.AI;
using Parley.Client.Requests;
using Parley.Gateway.V1;

namespace Parley.Client.Answers;

/// <summary>The calls of an answer, put together of their pieces.</summary>
internal sealed class ToolCallList
{
    private readonly SortedDictionary<uint, (string Id, string Name, StringBuilder Arguments)> _calls = [];

    /// <summary>Takes a piece in; a call that is dropped was told as text as well.</summary>
    public void Add(ToolCallDelta delta)
    {
        if (delta.Dropped)
        {
            _calls.Remove(delta.Index);
            return;
        }

        if (!_calls.TryGetValue(delta.Index, out var call))
            _calls[delta.Index] = call = (delta.Id, delta.Name, new StringBuilder());
        call.Arguments.Append(delta.Arguments);
    }

    /// <summary>The calls in the order of their beginnings. Arguments that are no JSON object are the content's exception.</summary>
    public IEnumerable<FunctionCallContent> Read() => _calls.Values.Select(call => FunctionCallContent.CreateFromParsedArguments(
        call.Arguments.ToString(), call.Id, call.Name, static json => json.Length == 0 ? null : ToolJson.ReadArguments(json)));
}
