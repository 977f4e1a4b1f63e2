using System.Text;
using System.Text.Json;
using Grpc.Core;
using Parley.Gateway.Tests.Doubles;
using Parley.Gateway.V1;
using Parley.Generator.V1;

namespace Parley.Gateway.Tests;

/// <summary>What a request means that says nothing of sampling, through both edges, and what <c>/v1/models</c> tells of it.</summary>
public sealed class VariedSamplingTests
{
    private const string Greedy = "greedy";

    private static Task<GatewayHost> StartAsync(string defaults) => GatewayHost.StartAsync(arrange: host =>
        host.Generator.DefaultSampling = defaults == Greedy
            ? new SamplingParameters { Temperature = 0, TopK = 50, TopP = 1, MaxTokens = 100, RepetitionPenalty = 1, MinP = 0 }
            : new SamplingParameters { Temperature = 0.3f, TopK = 40, TopP = 0.9f });

    [Theory]
    [InlineData(Greedy, 1, "", null)]
    [InlineData(Greedy, 3, "", 1f)]
    [InlineData(Greedy, 3, ",\"temperature\":0", 0f)]
    [InlineData(Greedy, 3, ",\"temperature\":0.5", 0.5f)]
    [InlineData(Greedy, 1, ",\"do_sample\":true", 1f)]
    [InlineData("sampling", 3, "", null)]
    [InlineData("sampling", 1, ",\"do_sample\":true", null)]
    public async Task Post_NothingSaidOfSampling_IsGreedyForOneAndVariedForSeveral(string defaults, int choices, string more, float? sent)
    {
        await using var host = await StartAsync(defaults);

        using var response = await host.Http().PostAsync("/v1/chat/completions", new StringContent(
            $"{{\"messages\":[{{\"role\":\"user\",\"content\":\"Hi\"}}],\"n\":{choices}{more}}}", Encoding.UTF8, "application/json"));

        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        Assert.Equal(choices, host.Generator.Requests.Count);
        Assert.All(host.Generator.Requests, request =>
            Assert.Equal(sent, request.Sampling.HasTemperature ? request.Sampling.Temperature : null));
    }

    [Theory]
    [InlineData(1u, null)]
    [InlineData(3u, 1f)]
    public async Task Complete_NothingSaidOfSampling_FollowsTheSameRule(uint choices, float? sent)
    {
        await using var host = await StartAsync(Greedy);
        var request = new CompleteRequest
        {
            Chat = new() { Messages = { new Tokenizer.V1.ChatMessage { Role = "user", Content = "Hi" } } },
            N = choices,
        };

        using var call = host.Client().Complete(request);
        Assert.NotNull((await call.ResponseStream.ReadAllAsync().ToListAsync())[^1].Completed);

        Assert.All(host.Generator.Requests, one => Assert.Equal(sent, one.Sampling.HasTemperature ? one.Sampling.Temperature : null));
    }

    [Theory]
    [InlineData(Greedy,
        "{\"temperature\":0,\"top_p\":1,\"top_k\":50,\"min_p\":0,\"repetition_penalty\":1,\"max_tokens\":100}",
        "{\"temperature\":1,\"top_p\":1,\"top_k\":50,\"min_p\":0,\"repetition_penalty\":1,\"max_tokens\":100}")]
    [InlineData("sampling", "{\"temperature\":0.3,\"top_p\":0.9,\"top_k\":40}", "{\"temperature\":0.3,\"top_p\":0.9,\"top_k\":40}")]
    public async Task Models_Entry_TellsBothMeanings(string defaults, string plain, string varied)
    {
        await using var host = await StartAsync(defaults);

        var model = JsonDocument.Parse(await host.Http().GetStringAsync("/v1/models/fake")).RootElement;

        Assert.Equal(plain, model.GetProperty("default_sampling").GetRawText());
        Assert.Equal(varied, model.GetProperty("varied_sampling").GetRawText());
    }
}
