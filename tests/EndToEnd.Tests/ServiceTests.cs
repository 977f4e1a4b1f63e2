using Grpc.Health.V1;
using Grpc.Net.Client;
using Grpc.Reflection.V1Alpha;
using Parley.Gateway.V1;
using Parley.Tokenizer.V1;

namespace Parley.EndToEnd.Tests;

[Collection(DemoCollection.Name)]
public sealed class ServiceTests(DemoSystem system)
{
    public static TheoryData<string, string> Services => new()
    {
        { "tokenizer", "parley.tokenizer.v1.Tokenization" },
        { "generator", "parley.generator.v1.Generation" },
        { "gateway", "parley.gateway.v1.ChatCompletion" },
    };

    [Theory]
    [MemberData(nameof(Services))]
    public async Task Service_HealthAndReflection_AreThere(string name, string service)
    {
        var health = await new Health.HealthClient(Channel(name)).CheckAsync(new HealthCheckRequest());
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, health.Status);

        using var call = new ServerReflection.ServerReflectionClient(Channel(name)).ServerReflectionInfo();
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
        await call.RequestStream.CompleteAsync();
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Contains(call.ResponseStream.Current.ListServicesResponse.Service, entry => entry.Name == service);
    }

    [Fact]
    public async Task Describe_OfTokenizerAndGenerator_PairByTheirFingerprint()
    {
        var tokenizer = await system.Tokenizer.DescribeAsync(new DescribeRequest());
        var generator = await system.Generator.DescribeAsync(new Generator.V1.DescribeRequest());
        Assert.Equal(tokenizer.TokenizerSha256, generator.TokenizerSha256);
        Assert.Equal(tokenizer.EosTokenIds, generator.EosTokenIds);
    }

    [Fact]
    public async Task Inspect_OfAChat_ShowsEveryStage()
    {
        var request = Conversations.Ask("what is a token?", Conversations.Greedy(24));
        var answer = await system.Chat.CollectAsync(request);
        var inspected = await system.Chat.InspectAsync(new InspectRequest { Request = request, Candidates = 3 });
        var encoded = await system.Tokenizer.EncodeChatAsync(new EncodeChatRequest { Chat = request.Chat, IncludeText = true });

        Assert.Equal(encoded.Text, inspected.Rendered);
        Assert.Equal(encoded.Ids, inspected.Prompt.Select(piece => piece.Id));
        Assert.Equal(answer.Ids(), inspected.Answer.Select(piece => piece.Id));
        Assert.Equal(answer.Text(), inspected.Text);
        Assert.Equal(inspected.Answer.Count, inspected.Traces.Count);
    }

    [Fact]
    public async Task EncodeChat_SpecialTokenTypedByAUser_StaysText()
    {
        var described = await system.Tokenizer.DescribeAsync(new DescribeRequest());
        var forged = string.Concat(described.SpecialTokens.Where(token => token.Special).Select(token => token.Content));
        var plain = await system.Tokenizer.EncodeChatAsync(Encode("hello"));
        var attack = await system.Tokenizer.EncodeChatAsync(Encode("hello" + forged));

        var special = described.SpecialTokens.Where(token => token.Special).Select(token => token.Id).ToHashSet();
        Assert.Equal(plain.Ids.Count(special.Contains), attack.Ids.Count(special.Contains));
    }

    private static EncodeChatRequest Encode(string content) =>
        new() { Chat = new Chat { Messages = { new ChatMessage { Role = "user", Content = content } } } };

    private GrpcChannel Channel(string name) => name switch
    {
        "tokenizer" => system.TokenizerChannel,
        "generator" => system.GeneratorChannel,
        _ => system.Gateway,
    };
}
