using System.Text;
using Parley.Gateway.Responses.Answers;
using Parley.Gateway.Responses.Formats;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.Chat;

/// <summary>What the text of one choice means: content alone, or as the model's format says content, reasoning and calls.</summary>
internal sealed class ChoiceAnswer
{
    private readonly AnswerReader? _reader;
    private readonly List<AnswerPart> _parts = [];

    private ChoiceAnswer(AnswerReader? reader) => _reader = reader;

    /// <summary>The tokens of reasoning; of a batch in which it begins or ends, all.</summary>
    public uint ReasoningTokens { get; private set; }

    /// <summary>The model has called tools.</summary>
    public bool HasCalls => _reader is { Calls: > 0 };

    /// <summary>The first of its calls is there as a whole.</summary>
    public bool IsFirstCallOver => _reader is { Calls: > 0, IsInCall: false };

    /// <param name="format">The model's, or null where answers are text.</param>
    /// <param name="prompt">The chat as the template wrote it.</param>
    /// <param name="request">Says which tools there are, and whether one call is enough.</param>
    public static ChoiceAnswer Begin(ResponseFormat? format, string prompt, ChatRequest request) => new(
        format is null ? null : new AnswerReader(format, prompt, request.Conversation.ToolsJson, !request.ParallelToolCalls));

    /// <summary>What an answer of the Tokenizer tells.</summary>
    /// <param name="answer">New text.</param>
    /// <param name="tokens">How many tokens are behind it.</param>
    public (string Content, string Reasoning, IReadOnlyList<ChatCallDelta> Calls) Read(DetokenizedText answer, int tokens)
    {
        if (_reader is null)
            return (answer.Text, "", []);
        _parts.Clear();
        var wasReasoning = _reader.IsReasoning;
        _reader.Read(answer.Text, answer.Special, _parts);
        if (wasReasoning || _reader.IsReasoning)
            ReasoningTokens += (uint)tokens;
        if (answer.Final)
            _reader.Finish(_parts);
        if (_parts.Count == 0)
            return ("", "", []);
        var content = new StringBuilder();
        var reasoning = new StringBuilder();
        var calls = new List<ChatCallDelta>();
        foreach (var part in _parts)
        {
            switch (part)
            {
                case AnswerPart.Content text:
                    content.Append(text.Text);
                    break;
                case AnswerPart.Reasoning text:
                    reasoning.Append(text.Text);
                    break;
                case AnswerPart.CallStarted started:
                    calls.Add(new ChatCallDelta(started.Index, started.Id, started.Name, ""));
                    break;
                case AnswerPart.CallArguments more:
                    calls.Add(new ChatCallDelta(more.Index, null, null, more.Text));
                    break;
                case AnswerPart.CallDropped dropped:
                    calls.Add(new ChatCallDelta(dropped.Index, null, null, "", IsDropped: true));
                    break;
            }
        }

        return (content.ToString(), reasoning.ToString(), calls);
    }
}
