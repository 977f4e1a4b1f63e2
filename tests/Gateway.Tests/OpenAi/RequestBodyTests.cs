using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.OpenAi;

/// <summary>What a body may look like before it is JSON.</summary>
public sealed class RequestBodyTests
{
    private const string Json = """{"messages":[{"role":"user","content":"Grüße 🙂"}]}""";

    private static byte[] Pack(string coding, byte[] plain)
    {
        using var packed = new MemoryStream();
        using (Stream stream = coding switch
        {
            "gzip" or "x-gzip" => new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true),
            "deflate" => new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true),
            _ => new BrotliStream(packed, CompressionLevel.Fastest, leaveOpen: true),
        })
        {
            stream.Write(plain);
        }

        return packed.ToArray();
    }

    private static async Task<(int Status, string Code, string Message, HttpResponseMessage Response)> SendAsync(
        GatewayHost host, byte[] body, string? coding = null, string contentType = "application/json")
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        if (coding is not null)
            content.Headers.TryAddWithoutValidation("Content-Encoding", coding);
        var response = await host.Http().PostAsync("/v1/chat/completions", content);
        var root = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        return root.TryGetProperty("error", out var error)
            ? ((int)response.StatusCode, error.GetProperty("code").GetString() ?? "", error.GetProperty("message").GetString()!, response)
            : ((int)response.StatusCode, "", "", response);
    }

    private static string Asked(GatewayHost host) =>
        host.Tokenizer.Chats.Last().Messages[0].Content;

    [Theory]
    [InlineData("gzip")]
    [InlineData("GZip")]
    [InlineData("x-gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    [InlineData("identity")]
    [InlineData("identity, gzip")]
    public async Task Body_Packed_IsReadAsThePlainOne(string coding)
    {
        await using var host = await GatewayHost.StartAsync();
        var plain = Encoding.UTF8.GetBytes(Json);
        var name = coding.Split(' ')[^1].ToLowerInvariant();

        var answer = await SendAsync(host, name == "identity" ? plain : Pack(name, plain), coding);

        Assert.Equal(200, answer.Status);
        Assert.Equal("Grüße 🙂", Asked(host));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("gzip")]
    public async Task Body_ByteOrderMark_IsSkipped(string? coding)
    {
        await using var host = await GatewayHost.StartAsync();
        byte[] marked = [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(Json)];

        var answer = await SendAsync(host, coding is null ? marked : Pack(coding, marked), coding);

        Assert.Equal(200, answer.Status);
        Assert.Equal("Grüße 🙂", Asked(host));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task Body_UnpacksBeyondTheLimit_Is413(string coding)
    {
        await using var host = await GatewayHost.StartAsync(new() { ["BodyBytesMax"] = "65536" });
        var bomb = Pack(coding, new byte[32 * 1024 * 1024]);
        Assert.True(bomb.Length < 65_536);

        var answer = await SendAsync(host, bomb, coding);

        Assert.Equal((413, "request_too_large"), (answer.Status, answer.Code));
        Assert.Contains("65536", answer.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task Body_NotWhatItsCodingSays_Is400(string coding)
    {
        await using var host = await GatewayHost.StartAsync();
        var packed = Pack(coding, Encoding.UTF8.GetBytes(Json));

        var plain = await SendAsync(host, Encoding.UTF8.GetBytes(Json), coding);
        Assert.Equal((400, "invalid_encoding"), (plain.Status, plain.Code));
        foreach (var broken in (byte[][])[packed[..(packed.Length / 2)], packed[..4], []])
        {
            var answer = await SendAsync(host, broken, coding);
            Assert.Equal(400, answer.Status);
        }

        host.Logs.AssertNoErrors();
    }

    [Theory]
    [InlineData("zstd")]
    [InlineData("compress")]
    [InlineData("gzip,gzip")]
    public async Task Body_UnknownCoding_Is415NamingThoseAccepted(string coding)
    {
        await using var host = await GatewayHost.StartAsync();

        var answer = await SendAsync(host, Encoding.UTF8.GetBytes(Json), coding);

        Assert.Equal((415, "unsupported_encoding"), (answer.Status, answer.Code));
        Assert.Contains($"'{coding}'", answer.Message, StringComparison.Ordinal);
        Assert.Contains("gzip, deflate, br", answer.Message, StringComparison.Ordinal);
        Assert.Equal("gzip, deflate, br", string.Join(", ", answer.Response.Headers.GetValues("Accept-Encoding")));
    }

    [Theory]
    [InlineData("application/json; charset=utf-8", 200)]
    [InlineData("application/json; charset=\"UTF-8\"", 200)]
    [InlineData("application/json;charset=utf8", 200)]
    [InlineData("application/json; charset=utf-16", 415)]
    [InlineData("application/json; charset=iso-8859-1", 415)]
    public async Task Body_Charset_IsUtf8OrRefused(string contentType, int status)
    {
        await using var host = await GatewayHost.StartAsync();

        var answer = await SendAsync(host, Encoding.UTF8.GetBytes(Json), contentType: contentType);

        Assert.Equal(status, answer.Status);
        if (status == 415)
            Assert.Contains("must be in UTF-8, not in '", answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Body_Utf16WithoutSayingSo_Is400NamingIt()
    {
        await using var host = await GatewayHost.StartAsync();

        var answer = await SendAsync(host, [.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes(Json)]);

        Assert.Equal((400, "The body is in UTF-16; send UTF-8."), (answer.Status, answer.Message));
    }
}
