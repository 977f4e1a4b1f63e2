using System.Net;
using System.Text;
using System.Text.Json;
using Grpc.Core;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.OpenAi;

/// <summary>What becomes of each field of a request: read over, honoured under another name, told, or refused by name.</summary>
public sealed class RequestFieldsTests
{
    private const string Messages = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";
    private const string Header = "X-Parley-Ignored-Fields";

    public static TheoryData<string> Nothing => [.. FieldCases.Nothing];

    public static TheoryData<string> Neutral => [.. FieldCases.Neutral];

    public static TheoryData<string, string> Unsupported => [.. FieldCases.Unsupported];

    private static Task<HttpResponseMessage> PostAsync(GatewayHost host, string fields) => host.Http().PostAsync(
        "/v1/chat/completions", new StringContent($"{{{Messages},{fields}}}", Encoding.UTF8, "application/json"));

    private static async Task<JsonElement> ErrorAsync(HttpResponseMessage response) =>
        JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("error");

    [Theory]
    [MemberData(nameof(Nothing))]
    public async Task Post_ValueThatAsksForNothing_IsTheSameAsWithout(string fields)
    {
        await using var host = await GatewayHost.StartAsync();

        using var with = await PostAsync(host, fields);
        using var without = await PostAsync(host, "\"n\":1");

        Assert.True(with.IsSuccessStatusCode, await with.Content.ReadAsStringAsync());
        Assert.False(with.Headers.Contains(Header));
        var sent = host.Generator.Requests.Select(request => request.Sampling).ToList();
        Assert.Equal(sent[1], sent[0]);
        var chats = host.Tokenizer.Chats.ToList();
        Assert.Equal(chats[1], chats[0]);
        host.Logs.AssertNoErrors();
    }

    [Theory]
    [MemberData(nameof(Neutral))]
    public async Task Post_ValueThatIsTheDefault_IsAccepted(string fields)
    {
        await using var host = await GatewayHost.StartAsync();

        using var response = await PostAsync(host, fields);

        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        Assert.False(response.Headers.Contains(Header));
    }

    [Theory]
    [MemberData(nameof(Unsupported))]
    public async Task Post_ValueThatCannotBeDone_IsRefusedByName(string fields, string param)
    {
        await using var host = await GatewayHost.StartAsync();

        using var response = await PostAsync(host, fields);

        var error = await ErrorAsync(response);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(("unsupported_value", param), (error.GetProperty("code").GetString(), error.GetProperty("param").GetString()));
        Assert.Empty(host.Generator.Requests);
    }

    [Theory]
    [InlineData("\"repeat_penalty\":1.25", "\"repetition_penalty\":1.25")]
    [InlineData(
        "\"options\":{\"temperature\":0.5,\"num_predict\":7,\"stop\":[\"x\"]}", "\"temperature\":0.5,\"max_tokens\":7,\"stop\":\"x\"")]
    [InlineData("\"extra_body\":{\"min_p\":0.5}", "\"min_p\":0.5")]
    [InlineData("\"max_new_tokens\":7.0", "\"max_tokens\":7")]
    [InlineData("\"max_output_tokens\":7e0", "\"max_tokens\":7")]
    [InlineData("\"max_tokens\":7,\"max_completion_tokens\":7", "\"max_tokens\":7")]
    [InlineData("\"max_tokens\":99999999999", "\"max_tokens\":4294967295")]
    [InlineData("\"random_seed\":5", "\"seed\":5")]
    [InlineData("\"typical\":0.5", "\"typical_p\":0.5")]
    [InlineData("\"stop_sequences\":[\"x\"]", "\"stop\":\"x\"")]
    [InlineData("\"do_sample\":false", "\"temperature\":0")]
    [InlineData("\"top_k\":-1.0", "\"top_k\":0")]
    [InlineData("\"seed\":9007199254740993", "\"options\":{\"seed\":9007199254740993}")]
    [InlineData("\"think\":false", "\"chat_template_kwargs\":{\"enable_thinking\":false,\"thinking\":false}")]
    [InlineData("\"enable_thinking\":true", "\"chat_template_kwargs\":{\"enable_thinking\":true,\"thinking\":true}")]
    [InlineData("\"thinking\":{\"type\":\"disabled\"}", "\"chat_template_kwargs\":{\"enable_thinking\":false,\"thinking\":false}")]
    [InlineData("\"reasoning_effort\":\"low\"", "\"chat_template_kwargs\":{\"reasoning_effort\":\"low\"}")]
    [InlineData("\"think\":\"high\"", "\"chat_template_kwargs\":{\"reasoning_effort\":\"high\"}")]
    [InlineData("\"reasoning\":{\"effort\":\"low\"},\"chat_template_kwargs\":{\"a\":1}",
        "\"chat_template_kwargs\":{\"a\":1,\"reasoning_effort\":\"low\"}")]
    [InlineData("\"reasoning_effort\":\"low\",\"chat_template_kwargs\":{\"reasoning_effort\":\"high\"}",
        "\"chat_template_kwargs\":{\"reasoning_effort\":\"high\"}")]
    public async Task Post_FieldUnderAnotherName_IsTheSame(string fields, string same)
    {
        await using var host = await GatewayHost.StartAsync();

        using var first = await PostAsync(host, fields);
        using var second = await PostAsync(host, same);

        Assert.True(first.IsSuccessStatusCode, await first.Content.ReadAsStringAsync());
        Assert.True(second.IsSuccessStatusCode, await second.Content.ReadAsStringAsync());
        var sent = host.Generator.Requests.Select(request => request.Sampling).ToList();
        Assert.Equal(sent[1], sent[0]);
        var chats = host.Tokenizer.Chats.ToList();
        Assert.Equal(chats[1], chats[0]);
    }

    [Theory]
    [InlineData("\"n_predict\":0", "n_predict must be at least 1 (it is 0).")]
    [InlineData("\"n_predict\":0,\"top_p\":\"x\"", "top_p must be a number (it is a string); n_predict must be at least 1 (it is 0).")]
    [InlineData("\"typ_p\":2", "typ_p must be between 0 and 1 (it is 2).")]
    [InlineData("\"options\":{\"num_predict\":0}", "options.num_predict must be at least 1 (it is 0).")]
    [InlineData("\"extra_body\":{\"temperature\":-1}", "extra_body.temperature must be between 0 and 100 (it is -1).")]
    [InlineData("\"stop_strings\":[\"a\",\"\"]", "stop_strings[1] must not be empty.")]
    [InlineData("\"num_return_sequences\":99", "num_return_sequences must be between 1 and 16 (it is 99).")]
    [InlineData("\"mirostat_mode\":3", "mirostat_mode must be between 0 and 2 (it is 3).")]
    public async Task Post_FieldUnderAnotherNameThatCannotBeDone_IsRefusedByThatName(string fields, string message)
    {
        await using var host = await GatewayHost.StartAsync();

        using var response = await PostAsync(host, fields);

        var error = await ErrorAsync(response);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(message, error.GetProperty("message").GetString());
        Assert.Equal(message.Split("; ")[0].Split(' ')[0], error.GetProperty("param").GetString());
        Assert.Empty(host.Generator.Requests);
    }

    [Theory]
    [InlineData("repeat_last_n")]
    [InlineData("rep_pen_range")]
    public async Task Post_FieldThatTheGeneratorRefuses_HasTheNameThatWasSent(string name)
    {
        await using var host = await GatewayHost.StartAsync();
        host.Generator.Refusal = ServiceDefaults.RpcFaults.Create(
            StatusCode.InvalidArgument, "refused", [("sampling.processors.penalty_last_n", "must be at most 100 (it is 200)")]);

        using var response = await PostAsync(host, $"\"{name}\":200,\"repeat_penalty\":1.5");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(name, (await ErrorAsync(response)).GetProperty("param").GetString());
    }

    [Theory]
    [InlineData("\"max_tokens\":5,\"max_new_tokens\":6", "max_new_tokens", "contradicts its other name max_tokens")]
    [InlineData("\"temperature\":1,\"options\":{\"temperature\":0}", "options.temperature", "contradicts its other name temperature")]
    [InlineData("\"repetition_penalty\":1,\"repeat_penalty\":2", "repeat_penalty", "contradicts its other name repetition_penalty")]
    public async Task Post_TwoNamesDisagree_IsRefused(string fields, string param, string message)
    {
        await using var host = await GatewayHost.StartAsync();

        var error = await ErrorAsync(await PostAsync(host, fields));

        Assert.Equal(param, error.GetProperty("param").GetString());
        Assert.Contains(message, error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"temprature\":1", "temprature")]
    [InlineData("\"foo\":1,\"bar\":{\"a\":[]}", "bar, foo")]
    [InlineData("\"stream_options\":{\"foo\":1},\"options\":{\"bar\":2}", "options.bar, stream_options.foo")]
    [InlineData("\"a b\\r\\nX: y, ä\":1", "a_b__X__y___")]
    [InlineData("\"timings_per_token\":true,\"provider\":{\"order\":[\"x\"]}", "provider, timings_per_token")]
    [InlineData("\"foo\":null", "")]
    public async Task Post_FieldThatNobodyKnows_IsNamedInAHeader(string fields, string named)
    {
        await using var host = await GatewayHost.StartAsync();

        using var response = await PostAsync(host, fields);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(named, string.Concat(Values(response)));
    }

    [Fact]
    public async Task Post_ManyLongUnknownFields_AreCutInTheHeader()
    {
        await using var host = await GatewayHost.StartAsync();
        var fields = string.Join(',', Enumerable.Range(0, 1000).Select(number => $"\"{number:000}{new string('x', 500)}\":1"));

        using var response = await PostAsync(host, fields);

        var names = Values(response).Single().Split(", ");
        Assert.Equal((17, 64, "and-more"), (names.Length, names[0].Length, names[^1]));
    }

    [Theory]
    [InlineData("\"foo\":1", "foo")]
    [InlineData("\"stream_options\":{\"foo\":1}", "stream_options.foo")]
    public async Task Post_FieldThatNobodyKnowsBySetting_IsRefused(string fields, string param)
    {
        await using var host = await GatewayHost.StartAsync(new() { ["UnknownFields"] = "Refuse" });

        using var response = await PostAsync(host, fields);

        var error = await ErrorAsync(response);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(("unknown_parameter", param), (error.GetProperty("code").GetString(), error.GetProperty("param").GetString()));
    }

    [Theory]
    [InlineData("\"temperature\":\"hot\"", "temperature", "invalid_type")]
    [InlineData("\"temperature\":101", "temperature", "decimal_above_max_value")]
    [InlineData("\"temperature\":1e39", "temperature", "decimal_above_max_value")]
    [InlineData("\"temperature\":1e400", "temperature", "decimal_above_max_value")]
    [InlineData("\"temperature\":-1e-3", "temperature", "decimal_below_min_value")]
    [InlineData("\"logit_bias\":{\"1\":-1e300}", "logit_bias.1", "decimal_below_min_value")]
    [InlineData("\"logit_bias\":{\"x\":1}", "logit_bias.x", "invalid_value")]
    [InlineData("\"repetition_penalty\":1e-60", "repetition_penalty", "decimal_below_min_value")]
    [InlineData("\"n\":0", "n", "integer_below_min_value")]
    [InlineData("\"n\":17", "n", "integer_above_max_value")]
    [InlineData("\"n\":-1", "n", "integer_below_min_value")]
    [InlineData("\"n\":1.5", "n", "invalid_type")]
    [InlineData("\"max_tokens\":0", "max_tokens", "integer_below_min_value")]
    [InlineData("\"max_tokens\":-7", "max_tokens", "integer_below_min_value")]
    [InlineData("\"top_k\":1e30", "top_k", "integer_above_max_value")]
    [InlineData("\"seed\":1e30", "seed", "integer_above_max_value")]
    [InlineData("\"top_logprobs\":21,\"logprobs\":true", "top_logprobs", "integer_above_max_value")]
    [InlineData("\"stop\":[\"\"]", "stop[0]", "string_below_min_length")]
    [InlineData("\"stop\":[1]", "stop[0]", "invalid_type")]
    [InlineData("\"stop\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\"]", "stop",
        "array_above_max_length")]
    [InlineData("\"reasoning_effort\":\"banana\"", "reasoning_effort", "invalid_value")]
    [InlineData("\"model\":\"gpt-9\"", "model", "model_not_found")]
    public async Task Post_BadValue_HasOpenAisCode(string fields, string param, string code)
    {
        await using var host = await GatewayHost.StartAsync();

        var error = await ErrorAsync(await PostAsync(host, fields));

        Assert.Equal((code, param), (error.GetProperty("code").GetString(), error.GetProperty("param").GetString()));
    }

    [Theory]
    [InlineData("\"temperature\":1e-45", 1e-45f)]
    [InlineData("\"temperature\":1e-60", 0f)]
    [InlineData("\"temperature\":-0.0", 0f)]
    public async Task Post_SmallTemperature_GoesOnAsTheNearestFloat(string fields, float temperature)
    {
        await using var host = await GatewayHost.StartAsync();

        using var response = await PostAsync(host, fields);

        var sent = Assert.Single(host.Generator.Requests).Sampling.Temperature;
        Assert.Equal(BitConverter.SingleToInt32Bits(temperature), BitConverter.SingleToInt32Bits(sent));
    }

    [Fact]
    public async Task Post_ThousandsOfFaults_AreToldInAFewKilobytes()
    {
        await using var host = await GatewayHost.StartAsync();
        var messages = string.Join(',', Enumerable.Repeat("{\"role\":\"" + new string('ü', 3000) + "\",\"content\":7}", 500));

        var request = $"{{\"messages\":[{messages}],\"logit_bias\":{{\"{new string('9', 5000)}\":1}},\"top_p\":9}}";

        using var response = await host.Http().PostAsync(
            "/v1/chat/completions", new StringContent(request, Encoding.UTF8, "application/json"));

        var body = await response.Content.ReadAsStringAsync();
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.InRange(body.Length, 500, 2500);
        Assert.Contains("; and ", body, StringComparison.Ordinal);
        Assert.Contains("messages[0].content must be a string or an array of text parts (it is 7)", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Post_StreamWithUsageIncluded_HasUsageAtItsEnd()
    {
        await using var host = await GatewayHost.StartAsync();

        using var response = await PostAsync(host, "\"stream\":true,\"usage\":{\"include\":true}");

        Assert.Contains("\"completion_tokens\":13", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private static IEnumerable<string> Values(HttpResponseMessage response) =>
        response.Headers.TryGetValues(Header, out var values) ? values : [];
}
