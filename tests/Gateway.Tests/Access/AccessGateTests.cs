using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1Alpha;
using Microsoft.Extensions.Options;
using Parley.Gateway.Tests.Doubles;
using Parley.Gateway.V1;

namespace Parley.Gateway.Tests.Access;

public sealed class AccessGateTests
{
    private const string Key = "pk-5f0c-one";

    private static readonly object Body = new { messages = new[] { new { role = "user", content = "Hi" } } };

    private static Task<GatewayHost> StartAsync() => GatewayHost.StartAsync(new() { ["ApiKey"] = Key });

    [Theory]
    [InlineData(null)]
    [InlineData("Bearer pk-5f0c-two")]
    [InlineData("Bearer pk-5f0c-one-and-more")]
    [InlineData("Bearer ")]
    [InlineData("Basic pk-5f0c-one")]
    [InlineData("pk-5f0c-one")]
    public async Task Http_WithoutTheKey_Is401InOpenAisShape(string? authorization)
    {
        await using var host = await StartAsync();
        var http = host.Http();
        if (authorization is not null)
            http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", authorization);

        foreach (var path in (string[])["/v1/chat/completions", "/V1/chat/completions/", "/v1/nothing"])
        {
            using var response = await http.PostAsJsonAsync(path, Body);

            var error = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("error");
            Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
            Assert.Equal("invalid_api_key", error.GetProperty("code").GetString());
            Assert.Equal("Bearer", response.Headers.WwwAuthenticate.Single().Scheme);
            Assert.NotEmpty(response.Headers.GetValues("x-request-id").Single());
        }

        using var models = await http.GetAsync("/v1/models");
        Assert.Equal(HttpStatusCode.Unauthorized, models.StatusCode);
        Assert.Empty(host.Generator.Requests);
        Assert.DoesNotContain(host.Logs.Entries, line => line.Contains("pk-5f0c", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Bearer pk-5f0c-one")]
    [InlineData("bearer  pk-5f0c-one ")]
    public async Task Http_WithTheKey_IsServed(string authorization)
    {
        await using var host = await StartAsync();
        var http = host.Http();
        http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", authorization);

        using var answer = await http.PostAsJsonAsync("/v1/chat/completions", Body);
        using var models = await http.GetAsync("/v1/models");

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (answer.StatusCode, models.StatusCode));
        Assert.DoesNotContain(host.Logs.Entries, line => line.Contains("pk-5f0c", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("/", 200)]
    [InlineData("/app.js", 200)]
    [InlineData("/health", 200)]
    [InlineData("/health/live", 200)]
    [InlineData("/chat/completions", 404)]
    public async Task Http_PageHealthAndHints_NeedNoKey(string path, int status)
    {
        await using var host = await StartAsync();

        using var response = await host.Http().GetAsync(path);

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task Keys_OfAFile_CountBesideTheOther()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllLinesAsync(file, ["# team a", "key-a", "", "  key-b  "]);
            await using var host = await GatewayHost.StartAsync(new() { ["ApiKey"] = Key, ["ApiKeyFile"] = file });
            foreach (var (key, status) in ((string, HttpStatusCode)[])
                [(Key, HttpStatusCode.OK), ("key-a", HttpStatusCode.OK), ("key-b", HttpStatusCode.OK), ("#", HttpStatusCode.Unauthorized)])
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
                using var response = await host.Http().SendAsync(request);
                Assert.Equal(status, response.StatusCode);
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing but this\n\n")]
    public async Task Start_KeyFileWithoutAKey_FailsEvenBesideAnother(string text)
    {
        // A secret that was left empty would else take keys away, or the last one, without a word.
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, text);
            var fault = await Assert.ThrowsAsync<OptionsValidationException>(
                () => GatewayHost.StartAsync(new() { ["ApiKey"] = Key, ["ApiKeyFile"] = file }));

            Assert.Contains($"Gateway:ApiKeyFile: {file} holds no key", fault.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(Key, fault.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task Start_KeyFileThatIsAFolder_SaysSo()
    {
        var fault = await Assert.ThrowsAsync<OptionsValidationException>(
            () => GatewayHost.StartAsync(new() { ["ApiKeyFile"] = Path.GetTempPath() }));

        Assert.Contains($"Gateway:ApiKeyFile: {Path.GetTempPath()} is a folder", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ApiKey", "two words", "Gateway:ApiKey holds a blank")]
    [InlineData("ApiKey", "schlüssel", "Gateway:ApiKey holds a blank or a character")]
    [InlineData("ApiKeyFile", "/nowhere/keys", "Gateway:ApiKeyFile: /nowhere/keys cannot be read")]
    public async Task Start_KeyThatNoHeaderCarries_FailsWithoutShowingIt(string option, string value, string named)
    {
        var fault = await Assert.ThrowsAsync<OptionsValidationException>(() => GatewayHost.StartAsync(new() { [option] = value }));

        Assert.Contains(named, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("schl", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Grpc_WithoutTheKey_IsUnauthenticated()
    {
        await using var host = await StartAsync();
        var client = host.Client();
        var wrong = new Metadata { { "authorization", "Bearer nothing" } };

        var complete = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            using var call = client.Complete(new CompleteRequest());
            await call.ResponseStream.MoveNext(CancellationToken.None);
        });
        var inspect = await Assert.ThrowsAsync<RpcException>(async () => await client.InspectAsync(new InspectRequest(), wrong));
        using var reflection = new ServerReflection.ServerReflectionClient(host.Channel()).ServerReflectionInfo();
        var reflected = await Assert.ThrowsAsync<RpcException>(() => reflection.ResponseStream.MoveNext(CancellationToken.None));
        var health = await new Health.HealthClient(host.Channel()).CheckAsync(new HealthCheckRequest());

        Assert.Equal((StatusCode.Unauthenticated, StatusCode.Unauthenticated, StatusCode.Unauthenticated),
            (complete.StatusCode, inspect.StatusCode, reflected.StatusCode));
        Assert.Contains("Authorization: Bearer KEY", complete.Status.Detail, StringComparison.Ordinal);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, health.Status);
    }

    [Fact]
    public async Task Grpc_WithTheKey_IsServed()
    {
        await using var host = await StartAsync();
        var chat = new Tokenizer.V1.Chat { Messages = { new Tokenizer.V1.ChatMessage { Role = "user", Content = "Hi" } } };

        using var call = host.Client().Complete(new CompleteRequest { Chat = chat }, new Metadata { { "authorization", $"Bearer {Key}" } });

        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));
    }

    [Theory]
    [InlineData("application/grpc-web+proto")]
    [InlineData("application/grpc-web-text")]
    public async Task GrpcWeb_WithoutTheKey_IsUnauthenticated(string contentType)
    {
        await using var host = await StartAsync();
        using var content = new ByteArrayContent(new byte[5]);
        content.Headers.ContentType = new MediaTypeHeaderValue(contentType);

        using var response = await host.Http().PostAsync("/parley.gateway.v1.ChatCompletion/Complete", content);

        Assert.Equal("16", response.Headers.GetValues("grpc-status").Single());
        Assert.Empty(host.Generator.Requests);
    }
}
