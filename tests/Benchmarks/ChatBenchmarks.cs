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
    private readonly string _folder = Directory.CreateTempSubdirectory("parley-benchmarks-").FullName;
    private TokenizationService _service = null!;
    private EncodeChatRequest _request = null!;
    private RenderChatRequest _renderRequest = null!;

    [GlobalSetup]
    public void Setup()
    {
        File.WriteAllBytes(Path.Combine(_folder, "tokenizer.json"), Material.ReadJson(Material.Llama3));
        File.WriteAllText(Path.Combine(_folder, "chat_template.jinja"), Material.Template());
        File.WriteAllText(Path.Combine(_folder, "tokenizer_config.json"), """{"bos_token": "<|begin_of_text|>"}""");
        var options = new TokenizerOptions { PackageDirectory = _folder };
        var meters = new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>();
        _service = new TokenizationService(TokenizerModel.Load(options, TimeProvider.System), Options.Create(options),
            new TokenizerTelemetry(meters), TimeProvider.System, NullLogger<TokenizationService>.Instance);
        _request = new EncodeChatRequest
        {
            Chat = new Chat
            {
                Messages =
                {
                    new ChatMessage { Role = "system", Content = "You are a careful assistant who answers in a few short sentences." },
                    new ChatMessage { Role = "user", Content = Material.ChatMessage },
                    new ChatMessage { Role = "assistant", Content = "Splitting allocates an array and a string per field: use spans." },
                    new ChatMessage { Role = "user", Content = "And how do I count without a string per word? " + Material.ChatMessage },
                },
            },
        };
        _renderRequest = new RenderChatRequest { Chat = _request.Chat };
        var answer = _service.EncodeChat(_request, null!).Result;
        Console.WriteLine($"// chat of {answer.Ids.Count} ids, template {answer.TemplateNanoseconds} ns, "
            + $"encode {answer.EncodeNanoseconds} ns at the first call");
    }

    [GlobalCleanup]
    public void Cleanup() => Directory.Delete(_folder, recursive: true);

    [Benchmark]
    public object EncodeChat() => _service.EncodeChat(_request, null!);

    /// <summary>The part of it that is the template.</summary>
    [Benchmark]
    public object RenderChat() => _service.RenderChat(_renderRequest, null!);
}
