using System.Diagnostics;
using System.Threading.Channels;
using Grpc.Core;
using Parley.Gateway.Chat;
using Parley.Tokenizer.V1;

namespace Parley.Gateway.Upstream;

/// <summary>
/// The choices of one request on a <see cref="DetokenizeCall"/> that others may share. Any task may write, and none ever waits; one task
/// reads. Every batch of tokens is answered by exactly one answer, and the end by a last one.
/// </summary>
/// <param name="choices">Of the request.</param>
/// <param name="answersMax">Of one choice that wait to be read: those to its batches in flight.</param>
/// <param name="service">For the words of a fault.</param>
/// <param name="cancellationToken">Ends the reading.</param>
internal sealed class DetokenizeStream(int choices, int answersMax, UpstreamService service, CancellationToken cancellationToken)
    : IDisposable
{
    /// <summary>So many at the end of a prompt decide how the text goes on: a character, or a run of byte tokens, is shorter.</summary>
    private const int PrefixTokensMax = 64;

    /// <summary>Whoever hands an answer over goes on with it: one thread's work, not two threads' with a wake between.</summary>
    private readonly Channel<DetokenizeResponse> _answers = Channel.CreateBounded<DetokenizeResponse>(
        new BoundedChannelOptions(choices * answersMax)
        {
            SingleReader = true,
            SingleWriter = true,
            AllowSynchronousContinuations = true,
        });

    private readonly bool[] _isOpen = new bool[choices];
    private DetokenizeCall _call = null!;
    private uint _first;

    public int Choices => choices;

    /// <summary>Opens a choice.</summary>
    /// <param name="choice">Of the request.</param>
    /// <param name="request">Says what ends the text.</param>
    /// <param name="marksSpecial">Special tokens are wanted, and where they stand.</param>
    /// <param name="promptIds">What an answer that continues a message goes on from.</param>
    public void Start(uint choice, ChatRequest request, bool marksSpecial, IReadOnlyList<uint> promptIds)
    {
        // As for `generate`, a min_new_tokens of the model's own holds back ids that end the answer, and no stop string.
        var start = new DetokenizeStart
        {
            IncludeStop = request.IncludeStop,
            MinTokens = request.Sampling.MinTokens ?? 0,
            MarkSpecialTokens = marksSpecial,
        };
        start.Stop.AddRange(request.Stop);
        if (Activity.Current is { IsAllDataRequested: true, IdFormat: ActivityIdFormat.W3C } span)
            start.TraceParent = span.Id;
        // An answer that opens a message is a text of its own, as transformers decodes it: its first space may be dropped.
        if (request.Conversation.ContinueFinalMessage)
            start.PrefixIds.AddRange(promptIds.TakeLast(PrefixTokensMax));
        _call.Post(this, new DetokenizeRequest { Sequence = _first + choice, Start = start });
    }

    public void Write(uint choice, uint[] ids)
    {
        var tokens = new DetokenizeTokens();
        tokens.Ids.AddRange(ids);
        _call.Post(this, new DetokenizeRequest { Sequence = _first + choice, Tokens = tokens });
    }

    public void End(uint choice) => _call.Post(this, EndOf(choice));

    /// <summary>The next answer; null where the Tokenizer has ended the call.</summary>
    public async ValueTask<DetokenizedText?> ReadAsync()
    {
        DetokenizeResponse answer;
        try
        {
            do
            {
                if (!await _answers.Reader.WaitToReadAsync(cancellationToken))
                    return null;
            }
            while (!_answers.Reader.TryRead(out answer!));
        }
        catch (RpcException exception)
        {
            throw UpstreamFault.Translate(exception, service, cancellationToken);
        }

        if (answer.Fault is { } fault)
        {
            throw new ChatException(ChatError.Invalid(new ChatViolation(fault.Field, fault.Description)));
        }

        return new DetokenizedText(
            answer.Sequence - _first, answer.Text, answer.TokensRead, answer.HasStop ? answer.Stop : null, answer.Final,
            answer.SpecialRanges.Count == 0 ? [] : [.. answer.SpecialRanges.Select(range => ((int)range.Start, (int)range.Length))]);
    }

    /// <summary>Leaves the call: the Tokenizer forgets what is open, and what is still written is dropped.</summary>
    public void Dispose() => _call.Leave(this, _first);

    /// <summary>The call's side: the request's place on it.</summary>
    internal void Join(DetokenizeCall call, uint first) => (_call, _first) = (call, first);

    /// <summary>The call's side, one at a time: a message of its own is on its way.</summary>
    internal void Posted(DetokenizeRequest message)
    {
        if (message.EventCase != DetokenizeRequest.EventOneofCase.Tokens)
            _isOpen[message.Sequence - _first] = message.EventCase == DetokenizeRequest.EventOneofCase.Start;
    }

    /// <summary>The call's side: an answer to one of its choices.</summary>
    internal void Answer(DetokenizeResponse answer)
    {
        if (!_answers.Writer.TryWrite(answer))
            Ended(new ChatException(new ChatError(ChatErrorKind.Internal, $"The {service.Name} answered more than it was asked.")));
    }

    /// <summary>The call's side: nothing more comes.</summary>
    internal void Ended(Exception? reason) => _answers.Writer.TryComplete(reason);

    /// <summary>The call's side: ends for the choices that the Tokenizer still knows.</summary>
    internal IEnumerable<DetokenizeRequest> OpenEnds() =>
        Enumerable.Range(0, choices).Where(choice => _isOpen[choice]).Select(choice => EndOf((uint)choice));

    private DetokenizeRequest EndOf(uint choice) => new() { Sequence = _first + choice, End = new DetokenizeEnd() };
}
