using System.Diagnostics.Metrics;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Parley.Tokenizer;
using Parley.Tokenizer.V1;

namespace Parley.Benchmarks;

/// <summary>EncodeChat as the service runs it, but for the wire: request message in, response message out, ~300 tokens.</summary>
[MemoryDiagnoser]
public class ChatBenchmarks
{
    private readonly ChatMaterial _chat = new();
    private TokenizationService _service = null!;
    private RenderChatRequest _renderRequest = null!;

    [GlobalSetup]
    public void Setup()
    {
        var options = new TokenizerOptions { PackageDirectory = _chat.Folder };
        var meters = new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>();
        _service = new TokenizationService(TokenizerModel.Load(options, TimeProvider.System), Options.Create(options),
            new TokenizerTelemetry(meters), TimeProvider.System, NullLogger<TokenizationService>.Instance);
        _renderRequest = new RenderChatRequest { Chat = _chat.Request.Chat };
        var answer = _service.EncodeChat(_chat.Request, null!).Result;
        Console.WriteLine($"// chat of {answer.Ids.Count} ids, template {answer.TemplateNanoseconds} ns, "
            + $"encode {answer.EncodeNanoseconds} ns at the first call");
    }

    [GlobalCleanup]
    public void Cleanup() => _chat.Delete();

    [Benchmark]
    public object EncodeChat() => _service.EncodeChat(_chat.Request, null!);

    /// <summary>The part of it that is the template.</summary>
    [Benchmark]
    public object RenderChat() => _service.RenderChat(_renderRequest, null!);
}
