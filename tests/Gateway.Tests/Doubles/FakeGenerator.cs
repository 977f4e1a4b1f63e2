using System.Collections.Concurrent;
using Grpc.Core;
using Parley.Generator.V1;

namespace Parley.Gateway.Tests.Doubles;

/// <summary>A Generator that follows a script: each answer is a list of id batches, and a test can hold it between two of them.</summary>
internal sealed class FakeGenerator : Generation.GenerationBase
{
    /// <summary>As a client library describes a lost connection: nothing that a caller should read.</summary>
    public const string TransportWords = "HttpRequestException: Connection refused (10.1.2.3:5083) SocketException";

    /// <summary>Tokens of a prompt that one event judges.</summary>
    private const int JudgedAtOnce = 3;

    private int _running;
    private int _cancelled;

    public string Sha256 { get; set; } = "aa11";

    public IReadOnlyList<string> Aliases { get; set; } = [];

    /// <summary>Adapters that it serves, by name.</summary>
    public List<string> Adapters { get; } = [];

    public bool AdapterLoading { get; set; }

    public uint ContextTokensMax { get; set; } = 10_000;

    /// <summary>The model was imported without its vision tower.</summary>
    public bool WithoutVision { get; set; }

    /// <summary>What decides the bits of its answers.</summary>
    public string Numerics { get; set; } = "bits";

    /// <summary>What it tells of its load; null is no answer, as of a process that was stopped.</summary>
    public GetLoadResponse? Load { get; set; } = new();

    /// <summary>The seed that it draws where a request has none.</summary>
    public ulong Drawn { get; set; } = 42;

    /// <summary>Stop strings of the model itself.</summary>
    public IReadOnlyList<string> StopStrings { get; set; } = [];

    /// <summary>The batches of a call; the default answers "Hello, world!" letter by letter.</summary>
    public Func<GenerateRequest, IEnumerable<uint[]>> Script { get; set; } = _ => Letters("Hello, world!");

    /// <summary>Awaited before each batch, with its number.</summary>
    public Func<int, CancellationToken, Task> BeforeBatch { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>Awaited before the call's first event.</summary>
    public Func<CancellationToken, Task> BeforePrompt { get; set; } = _ => Task.CompletedTask;

    /// <summary>Thrown before the first event, where set.</summary>
    public RpcException? Refusal { get; set; }

    /// <summary>Sent instead of batch number n, where set; null cuts the call with UNAVAILABLE.</summary>
    public (int Batch, FailedEvent? Event)? Fault { get; set; }

    /// <summary>What Describe gives for requests that say nothing.</summary>
    public SamplingParameters DefaultSampling { get; set; } = new() { Temperature = 0.6f, TopP = 0.9f, TopK = 50 };

    /// <summary>Told first, where there are any.</summary>
    public IReadOnlyList<string> UnassertedFormats { get; set; } = [];

    /// <summary>Called as <see cref="Fault"/> happens.</summary>
    public Action OnFault { get; set; } = () => { };

    /// <summary>Ids that it says end an answer.</summary>
    public IReadOnlyList<uint> EosTokenIds { get; set; } = [];

    /// <summary>The log-probability of each token of a call.</summary>
    public Func<GenerateRequest, float> Logprob { get; set; } = _ => -0.5f;

    public FinishReason Reason { get; set; } = FinishReason.Eos;

    public ConcurrentQueue<GenerateRequest> Requests { get; } = new();

    public int Running => Volatile.Read(ref _running);

    /// <summary>Calls that ended because the Gateway cancelled them.</summary>
    public int Cancelled => Volatile.Read(ref _cancelled);

    public static IEnumerable<uint[]> Letters(string text) => FakeTokenizer.Ids(text).Select(id => new[] { id });

    public override Task<DescribeResponse> Describe(DescribeRequest request, ServerCallContext context) =>
        Task.FromResult(new DescribeResponse
        {
            Model = "fake",
            ModelAliases = { Aliases },
            TokenizerSha256 = Sha256,
            PackageSha256 = "0123456789abcdef",
            ContextTokensMax = ContextTokensMax,
            WithoutVision = WithoutVision,
            Architecture = "llama",
            Parameters = 1_235_814_400,
            Precision = "fp32",
            Device = "CPU",
            DefaultSampling = DefaultSampling,
            DefaultStopStrings = { StopStrings },
            NumericsSha256 = Numerics,
            CompletionTokensMax = 1000,
            EosTokenIds = { EosTokenIds },
            KvBlockTokens = 4,
            Adapters = { Adapters.Select(name => new Adapter { Name = name, PackageSha256 = "feedfacefeedface" }) },
            AdapterLoading = AdapterLoading,
        });

    public override async Task<GetLoadResponse> GetLoad(GetLoadRequest request, ServerCallContext context)
    {
        if (Load is null)
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
        return Load!;
    }

    public override async Task Generate(
        GenerateRequest request, IServerStreamWriter<GenerateResponse> responseStream, ServerCallContext context)
    {
        Requests.Enqueue(request);
        if (Refusal is not null)
            throw Refusal;
        Interlocked.Increment(ref _running);
        try
        {
            await AnswerAsync(request, responseStream, context.CancellationToken);
        }
        catch (Exception) when (context.CancellationToken.IsCancellationRequested)
        {
            Interlocked.Increment(ref _cancelled);
            throw;
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private async Task AnswerAsync(
        GenerateRequest request, IServerStreamWriter<GenerateResponse> writer, CancellationToken cancellationToken)
    {
        if (UnassertedFormats.Count > 0)
        {
            var guide = new GuideEvent { UnassertedFormats = { UnassertedFormats } };
            await writer.WriteAsync(new GenerateResponse { Guide = guide }, cancellationToken);
        }

        await BeforePrompt(cancellationToken);
        var prompt = new PromptEvent
        {
            PromptTokens = (uint)request.PromptIds.Count,
            CachedTokens = 3,
            Seed = request.Sampling.HasSeed ? request.Sampling.Seed : Drawn,
        };
        await writer.WriteAsync(new GenerateResponse { Prompt = prompt }, cancellationToken);
        await writer.WriteAsync(new GenerateResponse { Progress = new ProgressEvent { PromptTokensDone = 1 } }, cancellationToken);
        if (request.Sampling.HasPromptLogprobs)
        {
            for (var start = 1; start < request.PromptIds.Count; start += JudgedAtOnce)
                await writer.WriteAsync(new GenerateResponse { PromptLogprobs = Judged(request, start) }, cancellationToken);
        }

        var total = (uint)request.ResumeIds.Count;
        var number = 0;
        foreach (var batch in Behind(Script(request), request.ResumeIds.Count))
        {
            if (Fault is { } fault && fault.Batch == number)
            {
                OnFault();
                if (fault.Event is null)
                    throw new RpcException(new Status(StatusCode.Unavailable, TransportWords));
                await EndAsync(writer, new GenerateResponse { Failed = fault.Event }, cancellationToken);
                return;
            }

            await BeforeBatch(number++, cancellationToken);
            total += (uint)batch.Length;
            await writer.WriteAsync(new GenerateResponse { Tokens = Tokens(request, batch) }, cancellationToken);
        }

        // The connection may break behind the last token, too.
        if (Fault is { Batch: int.MaxValue, Event: null })
        {
            OnFault();
            throw new RpcException(new Status(StatusCode.Unavailable, TransportWords));
        }

        var finished = new FinishedEvent
        {
            Reason = Reason,
            Usage = new Usage { PromptTokens = (uint)request.PromptIds.Count, CachedTokens = 3, CompletionTokens = total },
            Timings = new Timings { QueueNanoseconds = 1000, PrefillNanoseconds = 2000, DecodeNanoseconds = 3000 },
            Seed = request.Sampling.HasSeed ? request.Sampling.Seed : Drawn,
        };
        await EndAsync(writer, new GenerateResponse { Finished = finished }, cancellationToken);
    }

    /// <summary>An answer behind the ids that another has delivered.</summary>
    private static IEnumerable<uint[]> Behind(IEnumerable<uint[]> batches, int delivered)
    {
        foreach (var batch in batches)
        {
            var left = batch[Math.Min(delivered, batch.Length)..];
            delivered -= batch.Length - left.Length;
            if (left.Length > 0)
                yield return left;
        }
    }

    /// <summary>The terminal event: who has it may leave before this call is over, which cancels nothing.</summary>
    private static async Task EndAsync(
        IServerStreamWriter<GenerateResponse> writer, GenerateResponse response, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            await writer.WriteAsync(response, cancellationToken);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            // It has been read, or nobody was there to read it any more.
        }
    }

    /// <summary>A few of the prompt's tokens, each third in rank behind the ids 65 and 66.</summary>
    private static PromptLogprobsEvent Judged(GenerateRequest request, int start)
    {
        var count = Math.Min(JudgedAtOnce, request.PromptIds.Count - start);
        var judged = new PromptLogprobsEvent { Start = (uint)start };
        judged.Tokens.AddRange(Enumerable.Range(start, count).Select(place => new PromptTokenLogprobs
        {
            Logprob = -place,
            Rank = 3,
            Top = { Enumerable.Range(0, (int)request.Sampling.PromptLogprobs).Select(
                rank => new TokenLogprob { Id = 65 + (uint)rank, Logprob = -0.25f - rank }) },
        }));
        return judged;
    }

    private TokensEvent Tokens(GenerateRequest request, uint[] batch)
    {
        var tokens = new TokensEvent();
        tokens.Ids.AddRange(batch);
        if (request.Sampling.Logprobs)
        {
            tokens.Logprobs.AddRange(batch.Select(id => new TokenLogprobs
            {
                Logprob = Logprob(request),
                Top = { Enumerable.Range(0, (int)request.Sampling.TopLogprobs).Select(
                    rank => new TokenLogprob { Id = id + (uint)rank, Logprob = -0.5f - rank }) },
            }));
        }

        if (request.Sampling.TraceCandidates > 0)
        {
            tokens.Traces.AddRange(batch.Select(id => new TokenTrace
            {
                Candidates = { new TraceCandidate { Id = id, Logit = 3,
                    Stages = { new StageProbability { Stage = "logits", Probability = 0.75f } } } },
            }));
        }

        return tokens;
    }
}
