using Grpc.Core;
using Parley.Embedded.Hosting;
using Parley.Generator.V1;
using Parley.ModelImporter;
using Parley.ServiceDefaults;
using Parley.TestSupport;
using Parley.Tokenizer.V1;

namespace Parley.EndToEnd.Tests;

/// <summary>
/// The whole service on a package with GroupQueryAttention over slots, which on the CPU is the CUDA path but for the device: the same
/// answers as on blocks, with more chats than slots, prompts in chunks, drafts, and chats that are given up.
/// </summary>
public sealed class SlotServingTests : IDisposable
{
    /// <summary>Below this the rounding of another operator may decide.</summary>
    private const float MarginMin = 1e-3f;

    private readonly string _folder = Directory.CreateTempSubdirectory("parley-e2e-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Generate_OverSlots_AnswersAsOverBlocks()
    {
        using var log = new LogGuard();
        var settings = new Dictionary<string, string?>
        {
            ["Generator:RunningSequencesMax"] = "4",
            ["Generator:StepTokensMax"] = "64",
            ["Generator:PrefillChunkTokens"] = "16",
        };
        List<uint[]> prompts;
        List<(uint Id, float Margin)[]> expected = [];
        await using (var system = await StartAsync("paged", settings, log))
        {
            using var tokenizer = GrpcClientDefaults.CreateChannel(system.Tokenizer);
            using var channel = GrpcClientDefaults.CreateChannel(system.Generator);
            prompts = await EncodeAsync(new Tokenization.TokenizationClient(tokenizer));
            foreach (var prompt in prompts)
                expected.Add(await GenerateAsync(new Generation.GenerationClient(channel), prompt, logprobs: true));
        }

        await using (var system = await StartAsync("group-query", settings, log))
        {
            using var channel = GrpcClientDefaults.CreateChannel(system.Generator);
            var generator = new Generation.GenerationClient(channel);
            // Some leave their slots to others in the middle of their answers.
            var givenUp = prompts.Take(6).Select(prompt => GiveUpAsync(generator, prompt)).ToList();
            var answers = prompts.Concat(prompts).Select((prompt, i) => GenerateAsync(generator, prompt, i % 3 == 0)).ToList();
            await Task.WhenAll(givenUp);
            var actual = await Task.WhenAll(answers);
            foreach (var ((wanted, index), answer) in expected.Concat(expected).Select((answer, i) => (answer, i)).Zip(actual))
            {
                var certain = wanted.TakeWhile(token => token.Margin >= MarginMin).Select(token => token.Id).ToArray();
                Assert.NotEmpty(certain);
                Assert.True(certain.SequenceEqual(answer.Take(certain.Length).Select(token => token.Id)), $"answer {index}");
            }
        }

        log.AssertNoErrors();
    }

    [Fact]
    public async Task Start_MoreSequencesThanSlotsFit_SaysWhatToLower()
    {
        using var log = new LogGuard();
        var settings = new Dictionary<string, string?> { ["Generator:KvCacheMegabytes"] = "40" };

        await Assert.ThrowsAnyAsync<Exception>(() => StartAsync("group-query", settings, log));

        Assert.Contains(log.Errors, error =>
            error.Contains("lower that to", StringComparison.Ordinal)
            && error.Contains("Generator:RunningSequencesMax = 16", StringComparison.Ordinal)
            && error.Contains("Generator:ContextTokensMax to", StringComparison.Ordinal));
    }

    private static async Task<List<uint[]>> EncodeAsync(Tokenization.TokenizationClient tokenizer)
    {
        var prompts = new List<uint[]>();
        foreach (var question in Conversations.Questions)
        {
            var message = new ChatMessage { Role = "user", Content = question };
            var encoded = await tokenizer.EncodeChatAsync(new EncodeChatRequest { Chat = new Chat { Messages = { message } } });
            prompts.Add([.. encoded.Ids]);
        }

        return prompts;
    }

    private static async Task GiveUpAsync(Generation.GenerationClient client, uint[] prompt)
    {
        using var call = client.Generate(Request(prompt, logprobs: false));
        await foreach (var reply in call.ResponseStream.ReadAllAsync())
        {
            if (reply.Tokens is not null)
                break;
        }
    }

    private static async Task<(uint Id, float Margin)[]> GenerateAsync(Generation.GenerationClient client, uint[] prompt, bool logprobs)
    {
        using var call = client.Generate(Request(prompt, logprobs));
        var tokens = new List<(uint, float)>();
        await foreach (var reply in call.ResponseStream.ReadAllAsync())
        {
            Assert.Null(reply.Failed);
            if (reply.Tokens is not { } batch)
                continue;
            tokens.AddRange(batch.Ids.Select((id, i) =>
                (id, logprobs ? batch.Logprobs[i].Top[0].Logprob - batch.Logprobs[i].Top[1].Logprob : 0)));
        }

        return [.. tokens];
    }

    private static GenerateRequest Request(uint[] prompt, bool logprobs)
    {
        var sampling = new SamplingParameters { Temperature = 0, MaxTokens = 48, DraftTokens = 4, IgnoreEos = true };
        if (logprobs)
            (sampling.Logprobs, sampling.TopLogprobs) = (true, 2);
        var request = new GenerateRequest { Sampling = sampling };
        request.PromptIds.Add(prompt);
        return request;
    }

    private async Task<LocalSystem> StartAsync(string attention, Dictionary<string, string?> settings, LogGuard log)
    {
        var package = ModelImport.Run(new ImportOptions
        {
            Source = Shared.DemoModel,
            Destination = Path.Combine(_folder, attention),
            Precision = "rehearsal",
            Attention = attention,
        }).Path;
        var options = new LocalSystemOptions { PackageDirectory = package, LoggerProvider = log, Settings = settings };
        return await LocalSystem.StartAsync(options, CancellationToken.None);
    }
}
