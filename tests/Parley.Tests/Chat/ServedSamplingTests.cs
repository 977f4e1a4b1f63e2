using System.Net;
using System.Text.Json;
using Parley.Cli.Chat;
using Parley.Generator.V1;

namespace Parley.Cli.Tests.Chat;

public sealed class ServedSamplingTests
{
    private const string Greedy = """
        {"default_sampling":{"temperature":0,"top_p":1,"top_k":50},"varied_sampling":{"temperature":1,"top_p":1,"top_k":50}}
        """;

    private const string Stated = """
        {"default_sampling":{"temperature":0.6,"top_p":0.9,"top_k":0},"varied_sampling":{"temperature":0.6,"top_p":0.9,"top_k":0}}
        """;

    private static (SamplingParameters Sampling, string? Words) Apply(string model, SamplingParameters? asked = null) =>
        ServedSampling.Apply(asked ?? new SamplingParameters(), JsonElement.Parse(model));

    [Fact]
    public void Apply_ModelStatesNone_SamplesAtTheVariedTemperature()
    {
        var (sampling, words) = Apply(Greedy);

        Assert.Equal(new SamplingParameters { Temperature = 1 }, sampling);
        Assert.Equal("sampling: temperature 1, top_k 50 (the model states none; --temperature 0 is greedy)", words);
    }

    [Fact]
    public void Apply_ModelStatesSampling_LeavesTheRequest()
    {
        var (sampling, words) = Apply(Stated);

        Assert.Equal(new SamplingParameters(), sampling);
        Assert.Equal("sampling: temperature 0.6, top_p 0.9 (the model's own)", words);
    }

    [Theory]
    [InlineData(Greedy)]
    [InlineData(Stated)]
    public void Apply_TemperatureAsked_Wins(string model)
    {
        var (sampling, words) = Apply(model, new SamplingParameters { Temperature = 0 });

        Assert.Equal(new SamplingParameters { Temperature = 0 }, sampling);
        Assert.Equal("sampling: greedy (as asked)", words);
    }

    [Fact]
    public void Apply_OtherSettingAsked_KeepsItBesideTheTemperature()
    {
        var (sampling, words) = Apply(Greedy, new SamplingParameters { TopP = 0.5f, MaxTokens = 7 });

        Assert.Equal(new SamplingParameters { TopP = 0.5f, MaxTokens = 7, Temperature = 1 }, sampling);
        Assert.Equal("sampling: temperature 1, top_k 50, top_p 0.5 (as asked)", words);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"default_sampling":null}""")]
    [InlineData("""{"default_sampling":{"temperature":"warm"}}""")]
    [InlineData("[]")]
    public void Apply_GatewaySaysNothing_LeavesTheRequestWithoutWords(string model)
    {
        var (sampling, words) = Apply(model);

        Assert.Equal(new SamplingParameters(), sampling);
        Assert.Null(words);
    }

    [Fact]
    public async Task Read_List_IsItsFirstModelAskedOverHttp2WithTheKey()
    {
        using var handler = new Answer(HttpStatusCode.OK, """{"object":"list","data":[{"id":"a"},{"id":"b"}]}""");

        var model = await ServedSampling.ReadAsync(new Uri("http://gateway:5081"), "key", handler, CancellationToken.None);

        Assert.Equal("a", model!.Value.GetProperty("id").GetString());
        Assert.Equal(("http://gateway:5081/v1/models", HttpVersion.Version20, "Bearer key"), handler.Asked);
    }

    [Theory]
    [InlineData(null, "needs a key: --api-key KEY, or PARLEY_API_KEY")]
    [InlineData("old", "needs another key")]
    public async Task Read_KeyRefused_SaysWhatToGive(string? key, string said)
    {
        using var handler = new Answer(HttpStatusCode.Unauthorized, "{}");

        var fault = await Assert.ThrowsAsync<UserErrorException>(
            () => ServedSampling.ReadAsync(new Uri("http://gateway:5081"), key, handler, CancellationToken.None));

        Assert.Contains(said, fault.Message);
    }

    [Theory]
    [InlineData(HttpStatusCode.ServiceUnavailable, "{}")]
    [InlineData(HttpStatusCode.OK, "not json")]
    [InlineData(HttpStatusCode.OK, """{"data":[]}""")]
    [InlineData(HttpStatusCode.OK, "[]")]
    public async Task Read_NoList_IsNull(HttpStatusCode status, string body)
    {
        using var handler = new Answer(status, body);

        Assert.Null(await ServedSampling.ReadAsync(new Uri("http://gateway:5081"), null, handler, CancellationToken.None));
    }

    private sealed class Answer(HttpStatusCode status, string body) : HttpMessageHandler
    {
        public (string Url, Version Version, string? Authorization) Asked { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Asked = (request.RequestUri!.AbsoluteUri, request.Version, request.Headers.Authorization?.ToString());
            return Task.FromResult(new HttpResponseMessage(status) { Content = new StringContent(body) });
        }
    }
}
