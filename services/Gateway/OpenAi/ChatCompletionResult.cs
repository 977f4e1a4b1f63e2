using System.Text;
using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>The updates of a request gathered into its whole answer.</summary>
internal sealed class ChatCompletionResult(uint choices)
{
    private ChatUpdate.Completed? _completed;

    public IReadOnlyList<Choice> Choices { get; } = [.. Enumerable.Range(0, (int)choices).Select(_ => new Choice())];

    /// <summary>What the model thought of the prompt's tokens from the second on, where that was asked for.</summary>
    public List<(uint Id, PromptTokenLogprobs Token)> PromptLogprobs { get; } = [];

    public ChatUpdate.Completed Completed => _completed ?? throw new InvalidOperationException("The request has not completed.");

    /// <exception cref="ChatException">The request failed.</exception>
    public void Add(ChatUpdate update)
    {
        switch (update)
        {
            case ChatUpdate.Delta delta:
                var choice = Choices[(int)delta.Choice];
                choice.Text.Append(delta.Text);
                choice.Reasoning.Append(delta.Reasoning);
                foreach (var call in delta.Calls)
                    choice.Add(call);
                if (delta.Logprobs.Count > 0)
                {
                    choice.Ids.AddRange(delta.Ids.Span);
                    choice.Logprobs.AddRange(delta.Logprobs);
                }

                break;
            case ChatUpdate.PromptLogprobs judged:
                PromptLogprobs.AddRange(judged.Ids.Zip(judged.Tokens));
                break;
            case ChatUpdate.ChoiceFinished finished:
                Choices[(int)finished.Choice].Finished = finished;
                break;
            case ChatUpdate.Completed completed:
                _completed = completed;
                break;
            case ChatUpdate.Failed failed:
                throw new ChatException(failed.Error);
        }
    }

    /// <summary>One answer.</summary>
    internal sealed class Choice
    {
        public StringBuilder Text { get; } = new();

        /// <summary>What the model thought before it answered.</summary>
        public StringBuilder Reasoning { get; } = new();

        /// <summary>Its calls by number: id, name and arguments.</summary>
        public SortedDictionary<int, (string Id, string Name, StringBuilder Arguments)> Calls { get; } = [];

        /// <summary>The ids behind <see cref="Logprobs"/>.</summary>
        public List<uint> Ids { get; } = [];

        public List<TokenLogprobs> Logprobs { get; } = [];

        public ChatUpdate.ChoiceFinished? Finished { get; set; }

        public void Add(ChatCallDelta call)
        {
            if (call.IsDropped)
                Calls.Remove(call.Index);
            else if (call.Id is not null)
                Calls[call.Index] = (call.Id, call.Name!, new StringBuilder(call.Arguments));
            else
                Calls[call.Index].Arguments.Append(call.Arguments);
        }
    }
}
