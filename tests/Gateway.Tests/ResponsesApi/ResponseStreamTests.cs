using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using Parley.Gateway.Tests.Doubles;
using static Parley.Gateway.Tests.ResponsesApi.ResponsesHost;

namespace Parley.Gateway.Tests.ResponsesApi;

/// <summary>The events of <c>/v1/responses</c>, in the documented order.</summary>
public sealed class ResponseStreamTests
{
    [Fact]
    public async Task Stream_EveryKindOfItem_TellsThemInOrder()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one =>
        {
            one.Tokenizer.ChatTemplate = Hermes;
            one.Generator.Script = _ => FakeGenerator.Letters($"<think>\nRain?\n</think>\n\nI look.\n{Call}{Call}<|im_end|>");
        });

        var events = await host.StreamAsync($$"""{"input":"Rain?","tools":[{{Weather}}],"stream":true}""");

        string[] call = ["response.output_item.added", "response.function_call_arguments.delta", "response.function_call_arguments.done",
            "response.output_item.done"];
        string[] Part(string kind) => ["response.output_item.added", "response.content_part.added", $"response.{kind}.delta",
            $"response.{kind}.done", "response.content_part.done", "response.output_item.done"];
        var types = events.Select(TypeOf).ToList();
        // Runs of deltas count once.
        var runs = types.Where((type, index) => index == 0 || type != types[index - 1]);
        Assert.Equal(
            ["response.created", "response.in_progress", .. Part("reasoning_text"), .. Part("output_text"), .. call, .. call,
                "response.completed"], runs);
        var added = events.Where(one => TypeOf(one) == "response.output_item.added").ToList();
        Assert.Equal([0, 1, 2, 3], added.Select(one => one.GetProperty("output_index").GetInt32()));
        Assert.All(added, one => Assert.Equal("in_progress", one.GetProperty("item").GetProperty("status").GetString()));
        var last = events[^1].GetProperty("response");
        Assert.Equal("completed", last.GetProperty("status").GetString());
        var output = last.GetProperty("output").EnumerateArray().ToList();
        Assert.Equal(added.Select(one => one.GetProperty("item").Id()), output.Select(item => item.Id()));
        Assert.Equal(output.Select(item => item.GetRawText()), events.Where(one => TypeOf(one) == "response.output_item.done")
            .Select(one => one.GetProperty("item").GetRawText()));
        Assert.Equal(last.Text(), Joined(events, "response.output_text.delta"));
        Assert.Equal("Rain?", Joined(events, "response.reasoning_text.delta"));
        var arguments = string.Concat(events.Where(one => TypeOf(one) == "response.function_call_arguments.delta"
            && one.GetProperty("output_index").GetInt32() == 3).Select(one => one.GetProperty("delta").GetString()));
        Assert.Equal((arguments, "{\"city\": \"Köln\"}"), (output[3].GetProperty("arguments").GetString()!, arguments));
        Assert.Equal(output[3].GetProperty("name").GetString(), events.Last(one =>
            TypeOf(one) == "response.function_call_arguments.done").GetProperty("name").GetString());
        Assert.Equal(events[0].GetProperty("response").Id(), last.Id());
        await host.AssertIdleAsync();
        host.Logs.AssertNoErrors();
    }

    [Fact]
    public async Task Stream_ACallThatIsNone_IsNeverDone()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one =>
        {
            one.Tokenizer.ChatTemplate = Hermes;
            one.Generator.Script = _ =>
                FakeGenerator.Letters("See: <tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"n\": NaN}}</tool_call>");
        });

        var events = await host.StreamAsync($$"""{"input":"Rain?","tools":[{{Weather}}],"stream":true}""");

        Assert.DoesNotContain(events, one => TypeOf(one) == "response.output_item.done"
            && TypeOf(one.GetProperty("item")) == "function_call");
        Assert.All(events[^1].GetProperty("response").GetProperty("output").EnumerateArray(),
            item => Assert.Equal("message", TypeOf(item)));
        Assert.Contains("NaN", events[^1].GetProperty("response").Text(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stream_CutShort_EndsIncomplete()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.Reason = Generator.V1.FinishReason.MaxTokens);

        var events = await host.StreamAsync("""{"input":"Hi","stream":true}""");

        Assert.Equal(("response.incomplete", "incomplete"),
            (TypeOf(events[^1]), events[^1].GetProperty("response").GetProperty("status").GetString()));
    }

    [Fact]
    public async Task Stream_Lost_EndsInFailed()
    {
        await using var host = await GatewayHost.StartAsync(arrange: one => one.Generator.Fault = (2, null));

        var events = await host.StreamAsync("""{"input":"Hi","stream":true}""");

        var response = events[^1].GetProperty("response");
        Assert.Equal(("response.failed", "failed", "server_error", "The model is not available at the moment."), (TypeOf(events[^1]),
            response.GetProperty("status").GetString(), response.GetProperty("error").GetProperty("code").GetString(),
            response.GetProperty("error").GetProperty("message").GetString()));
        Assert.Single(events, one => TypeOf(one) is "response.failed" or "response.completed" or "response.incomplete");
        await host.AssertIdleAsync();
    }

    [Fact]
    public async Task Stream_FailedBeforeItsBeginning_IsAnErrorEventWhereCommentsWereSent()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var isAsked = new TaskCompletionSource();
        var goesOn = new TaskCompletionSource();
        await using var host = await GatewayHost.StartAsync(time: time, arrange: one =>
        {
            one.Generator.BeforePrompt = async token =>
            {
                isAsked.TrySetResult();
                await goesOn.Task.WaitAsync(token);
                throw new Grpc.Core.RpcException(new Grpc.Core.Status(Grpc.Core.StatusCode.Unavailable, FakeGenerator.TransportWords));
            };
        });
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/responses")
        {
            Content = new StringContent("""{"input":"Hi","stream":true}""", Encoding.UTF8, "application/json"),
        };
        var sending = host.Http().SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        // By now the stream has its timer.
        await isAsked.Task;
        time.Advance(TimeSpan.FromSeconds(10));
        using var response = await sending;
        goesOn.SetResult();
        var events = Events(await response.Content.ReadAsStringAsync());

        var only = Assert.Single(events);
        Assert.Equal(("error", "unavailable"), (TypeOf(only), only.GetProperty("code").GetString()));
    }

    private static string Joined(IEnumerable<JsonElement> events, string type) =>
        string.Concat(events.Where(one => TypeOf(one) == type).Select(one => one.GetProperty("delta").GetString()));
}
