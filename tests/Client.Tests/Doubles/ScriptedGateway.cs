using System.Collections.Concurrent;
using Grpc.Core;
using Parley.Gateway.V1;
using Parley.Generator.V1;

namespace Parley.Client.Tests.Doubles;

/// <summary>A Gateway that follows a script: one list of events, or a refusal, per call; the last serves all further ones.</summary>
internal sealed class ScriptedGateway : ChatCompletion.ChatCompletionBase
{
    private int _calls;
    private int _left;

    /// <summary>What each call does; throws to refuse it.</summary>
    public List<Func<CompleteRequest, IEnumerable<CompleteResponse>>> Scripts { get; } = [];

    /// <summary>Awaited before each event, with its number.</summary>
    public Func<int, CancellationToken, Task> BeforeEvent { get; set; } = (_, _) => Task.CompletedTask;

    public ConcurrentQueue<CompleteRequest> Requests { get; } = new();

    public ConcurrentQueue<Metadata> Headers { get; } = new();

    public ConcurrentQueue<DateTime> Deadlines { get; } = new();

    public int Calls => Volatile.Read(ref _calls);

    /// <summary>Calls that the caller left.</summary>
    public int Left => Volatile.Read(ref _left);

    public static CompleteResponse Accepted(CompleteRequest request) => new()
    {
        Accepted = new AcceptedEvent { RequestId = request.RequestId, Model = "scripted", PromptTokens = 7 },
    };

    public static CompleteResponse Delta(string text) => new() { Delta = new DeltaEvent { Text = text, Ids = { 5 } } };

    public static CompleteResponse Finished(Gateway.V1.FinishReason reason) => new()
    {
        ChoiceFinished = new ChoiceFinishedEvent { Reason = reason, Seed = ulong.MaxValue },
    };

    public static CompleteResponse Completed => new()
    {
        Completed = new CompletedEvent
        {
            Usage = new Usage { PromptTokens = 7, CachedTokens = 4, CompletionTokens = 2 },
            Timings = new ChatTimings { TotalNanoseconds = 42 },
        },
    };

    /// <summary>A whole answer in two pieces.</summary>
    public static IEnumerable<CompleteResponse> Answer(CompleteRequest request) =>
    [
        Accepted(request), new CompleteResponse { Progress = new Gateway.V1.ProgressEvent { QueuePosition = 1 } }, Delta("Hello, "),
        Delta("world!"), Finished(Gateway.V1.FinishReason.Stop), Completed,
    ];

    public override async Task Complete(
        CompleteRequest request, IServerStreamWriter<CompleteResponse> responseStream, ServerCallContext context)
    {
        var call = Interlocked.Increment(ref _calls) - 1;
        Requests.Enqueue(request);
        Headers.Enqueue(context.RequestHeaders);
        Deadlines.Enqueue(context.Deadline);
        var script = Scripts.Count == 0 ? Answer : Scripts[Math.Min(call, Scripts.Count - 1)];
        try
        {
            var number = 0;
            foreach (var response in script(request))
            {
                await BeforeEvent(number++, context.CancellationToken);
                await responseStream.WriteAsync(response, context.CancellationToken);
            }
        }
        catch (Exception) when (context.CancellationToken.IsCancellationRequested)
        {
            Interlocked.Increment(ref _left);
            throw;
        }
    }
}
