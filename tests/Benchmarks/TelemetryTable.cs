using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Parley.Gateway;
using Parley.Gateway.Chat;
using Parley.Generator;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;
using Parley.ServiceDefaults.Telemetry;
using Parley.Tokenizer;

namespace Parley.Benchmarks;

/// <summary>
/// Processor time of what the services record, without the services: each figure and span as the services make it, in one thread, with
/// nobody listening, with metrics collected, and with traces beside them. A whole system's own time differs more from run to run than all
/// of this costs.
/// </summary>
internal sealed class TelemetryTable : IDisposable
{
    private const int Chats = 4_000;
    private const int TokensOfAChat = 128;
    private const int Streams = 16;

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly GatewayTelemetry _gateway;
    private readonly GeneratorTelemetry _generator;
    private readonly SequenceSpans _spans = new(TimeProvider.System);
    private readonly TokenizerTelemetry _tokenizer;
    private readonly ActivitySource _calls = new("Parley.Benchmarks");
    private readonly ChatRequest _request = new()
    {
        RequestId = "request",
        Conversation = new Conversation { Messages = [new ChatMessage { Role = "user", Content = "hello" }] },
    };

    private TelemetryTable()
    {
        var meters = _services.GetRequiredService<IMeterFactory>();
        _gateway = new GatewayTelemetry(
            meters, Options.Create(new GatewayOptions { GeneratorAddress = "http://127.0.0.1:5083" }),
            Options.Create(new TelemetryOptions()), TimeProvider.System);
        _generator = new GeneratorTelemetry(meters);
        _generator.Observe(new EngineGauges { Model = "model", Snapshot = () => null });
        _tokenizer = new TokenizerTelemetry(meters);
    }

    public static void Print()
    {
        using var table = new TelemetryTable();
        Console.WriteLine("| | nobody listens | metrics | metrics and traces |");
        Console.WriteLine("| --- | --- | --- | --- |");
        var (off, metrics, all) = (table.Measure(false, false), table.Measure(true, false), table.Measure(true, true));
        for (var i = 0; i < off.Length; i++)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"| {Names[i]} | {off[i]:0} ns | {metrics[i]:0} ns | {all[i]:0} ns |"));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| a token, {Streams} streams | {PerToken(off, Streams)} | {PerToken(metrics, Streams)} | {PerToken(all, Streams)} |"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| a token, 1 stream | {PerToken(off, 1)} | {PerToken(metrics, 1)} | {PerToken(all, 1)} |"));
    }

    private static readonly string[] Names =
        ["Gateway: a chunk", "Tokenizer: a message of a stream", "Generator: a step", "all three: a chat, without its tokens"];

    public void Dispose()
    {
        _gateway.Dispose();
        _tokenizer.Dispose();
        _spans.Dispose();
        _calls.Dispose();
        _services.Dispose();
    }

    /// <summary>Chunk and message once a token, a step's share, and a chat's share of 128 tokens.</summary>
    private static string PerToken(double[] nanoseconds, int streams) => string.Create(
        CultureInfo.InvariantCulture,
        $"{(nanoseconds[0] + nanoseconds[1] + (nanoseconds[2] / streams) + (nanoseconds[3] / TokensOfAChat)) / 1000:0.00} µs");

    private double[] Measure(bool withMetrics, bool withTraces)
    {
        using var meters = !withMetrics ? null : Sdk.CreateMeterProviderBuilder().AddParleyMetrics(new TelemetryOptions())
            .AddReader(new BaseExportingMetricReader(new NoExporter<Metric>())).Build();
        using var tracer = !withTraces ? null : Sdk.CreateTracerProviderBuilder().AddParleySpans()
            .AddProcessor(new BatchActivityExportProcessor(new NoExporter<Activity>())).Build();
        using var call = _calls.StartActivity("call", ActivityKind.Server);
        var chunks = _gateway.Begin(_request);
        chunks.Paired(["model"]);
        return
        [
            Time(Chats * TokensOfAChat, () => chunks.Chunk(0, " a")),
            Time(Chats * TokensOfAChat, Message),
            Time(Chats * TokensOfAChat, () => _generator.Stepped(TimeSpan.FromMilliseconds(5), Streams, Streams)),
            Time(Chats * 4, () => Chat(call)),
        ];
    }

    private void Message()
    {
        var started = _tokenizer.TimesStreams ? Stopwatch.GetTimestamp() : 0;
        _tokenizer.Decoded(1);
        if (started != 0)
            _tokenizer.Detokenized(Stopwatch.GetElapsedTime(started));
    }

    /// <summary>What a chat costs beside its tokens; the spans of server and client come from the framework, one of each a hop.</summary>
    private void Chat(Activity? call)
    {
        Activity.Current = call;
        using var server = _calls.StartActivity("server", ActivityKind.Server);
        using (var measurement = _gateway.Begin(_request))
        {
            measurement.Paired(["model"]);
            using (_calls.StartActivity("client", ActivityKind.Client))
            using (_calls.StartActivity("server", ActivityKind.Server))
            {
                using (_tokenizer.Source.StartActivity("template"))
                    _tokenizer.Rendered(TimeSpan.FromMicroseconds(50));
                using (_tokenizer.Source.StartActivity("encode"))
                    _tokenizer.Encoded(TimeSpan.FromMicroseconds(50), 16);
            }

            using (var stream = new DetokenizeSpans(_tokenizer.Source))
            using (_calls.StartActivity("client", ActivityKind.Client))
            using (_calls.StartActivity("server", ActivityKind.Server))
            {
                stream.Start(1, Activity.Current?.Id ?? "");
                Generate();
                stream.End(1, stopped: false, error: null);
            }

            measurement.ChoiceFinished(0, ChatFinishReason.Length);
            measurement.Completed(new ChatUsage(16, 0, TokensOfAChat));
        }
    }

    private void Generate()
    {
        var parameters = new Generator.Sequences.SamplingParameters { MaxTokens = 1 };
        var sequence = new Sequence("request", [1, 2, 3], [], parameters, new TokenStream(1));
        _spans.Begin(sequence);
        var now = Stopwatch.GetTimestamp();
        (sequence.AcceptedAt, sequence.StartedAt, sequence.FirstTokenAt) = (now, now + 1, now + 2);
        _generator.FirstToken(TimeSpan.FromMilliseconds(5));
        var timings = new SequenceTimings(TimeSpan.FromTicks(1), TimeSpan.FromTicks(1), TimeSpan.FromTicks(1));
        var end = new SequenceEnd(FinishReason.MaxTokens, null, null, "", false, new SequenceUsage(3, 0, TokensOfAChat), timings);
        sequence.Stream.Complete(end);
        _generator.Ended(end, wasStarted: true, hadTokens: true);
        _spans.End(sequence);
    }

    /// <returns>Nanoseconds of processor time, of the best of five rounds behind one that warms up.</returns>
    private static double Time(int calls, Action call)
    {
        var best = double.MaxValue;
        for (var round = 0; round < 6; round++)
        {
            var began = Environment.CpuUsage.TotalTime;
            for (var i = 0; i < calls; i++)
                call();
            var time = (Environment.CpuUsage.TotalTime - began).TotalNanoseconds / calls;
            best = round == 0 ? best : Math.Min(best, time);
        }

        return best;
    }
}
