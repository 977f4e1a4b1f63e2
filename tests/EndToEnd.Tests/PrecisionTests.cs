using Grpc.Core;
using Parley.Embedded.Hosting;
using Parley.Generator.V1;
using Parley.ModelPackages;
using Parley.ServiceDefaults;
using Parley.TestSupport;
using Parley.Tokenizer.V1;

namespace Parley.EndToEnd.Tests;

/// <summary>In every precision a chat gives the same ids in company as alone, for as long as no step was nearly a tie.</summary>
public sealed class PrecisionTests : IDisposable
{
    /// <summary>Below this the rounding of another batch shape may decide.</summary>
    private const float MarginMin = 1e-4f;

    private readonly string _folder = Directory.CreateTempSubdirectory("parley-e2e-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("w8a8")]
    [InlineData("int8")]
    [InlineData("int4")]
    public async Task Generate_SixteenAtOnce_EqualThoseAlone(string precision)
    {
        using var log = new LogGuard();
        var package = await PackageCache.ImportAsync(Shared.DemoModel, Path.Combine(_folder, precision), precision, CancellationToken.None);
        await using var system = await StartAsync(package, log);
        using var tokenizerChannel = GrpcClientDefaults.CreateChannel(system.Tokenizer);
        using var generatorChannel = GrpcClientDefaults.CreateChannel(system.Generator);
        var tokenizer = new Tokenization.TokenizationClient(tokenizerChannel);
        var generator = new Generation.GenerationClient(generatorChannel);
        var prompts = new List<EncodeChatResponse>();
        foreach (var question in Conversations.Questions)
        {
            var message = new ChatMessage { Role = "user", Content = question };
            prompts.Add(await tokenizer.EncodeChatAsync(new EncodeChatRequest { Chat = new Chat { Messages = { message } } }));
        }

        var alone = new List<(uint Id, float Margin)[]>();
        foreach (var prompt in prompts)
            alone.Add(await GenerateAsync(generator, prompt.Ids));
        var together = await Task.WhenAll(prompts.Select(prompt => GenerateAsync(generator, prompt.Ids)));

        foreach (var (expected, actual) in alone.Zip(together))
        {
            var certain = expected.TakeWhile(token => token.Margin >= MarginMin).Select(token => token.Id).ToArray();
            Assert.NotEmpty(certain);
            Assert.Equal(certain, actual.Take(certain.Length).Select(token => token.Id));
        }

        log.AssertNoErrors();
    }

    private static async Task<LocalSystem> StartAsync(string package, LogGuard log)
    {
        try
        {
            var options = new LocalSystemOptions { PackageDirectory = package, LoggerProvider = log };
            return await LocalSystem.StartAsync(options, CancellationToken.None);
        }
        catch (Exception) when (log.Errors.Any(error => error.Contains("w8a8 needs", StringComparison.Ordinal)))
        {
            Assert.Skip("This processor's 8-bit products saturate, so w8a8 is refused by name.");
            throw;
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException(string.Join("\n", log.Errors), exception);
        }
    }

    private static async Task<(uint Id, float Margin)[]> GenerateAsync(Generation.GenerationClient client, IEnumerable<uint> prompt)
    {
        var request = new GenerateRequest
        {
            Sampling = new SamplingParameters { Temperature = 0, MaxTokens = 48, Logprobs = true, TopLogprobs = 2 },
        };
        request.PromptIds.Add(prompt);
        using var call = client.Generate(request);
        var tokens = new List<(uint, float)>();
        await foreach (var reply in call.ResponseStream.ReadAllAsync())
        {
            Assert.Null(reply.Failed);
            if (reply.Tokens is { } batch)
                tokens.AddRange(batch.Ids.Zip(batch.Logprobs, (id, logprobs) => (id, logprobs.Top[0].Logprob - logprobs.Top[1].Logprob)));
        }

        return [.. tokens];
    }
}
