using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Rpc;
using Parley.Gateway.Tests.Doubles;
using Parley.Gateway.Tests.Page;
using Parley.Gateway.V1;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.Clients;

/// <summary>Connect's client for JavaScript over gRPC-Web, in node and in a browser, with descriptors in place of generated code.</summary>
[Collection(ChromiumCollection.Name)]
public sealed class ConnectTests(Chromium chromium)
{
    [Fact]
    [ClientTest("Connect, gRPC-Web in node", "answer", "stream", "tools", "schema", "reasoning", "cancel", "errors", "usage", "logprobs")]
    public async Task Client_InNode_IsAsItExpects()
    {
        await using var host = await GatewayHost.StartAsync(onSockets: true, arrange: AskedAnswers.Arrange);
        await using var locked = await LockedGateway.StartAsync();
        var descriptors = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(descriptors, Descriptors());

            var seen = await NodeClient.RunAsync("Gateway.Tests/Clients/connect.mjs", host.Http1.Base(), locked.Http1.Base(), descriptors);

            await AssertSeenAsync(host, seen);
        }
        finally
        {
            File.Delete(descriptors);
        }
    }

    [Fact]
    [ClientTest("Connect, gRPC-Web in Chromium",
        "answer", "stream", "tools", "schema", "reasoning", "cancel", "errors", "usage", "logprobs")]
    public async Task Client_InABrowserOfAnotherOrigin_IsAsItExpects()
    {
        await using var browser = await chromium.NewContextAsync();
        await using var site = await ModuleSite.StartAsync(
            Path.Combine(await NodeClient.FolderAsync(), "node_modules"), "Clients/connect.mjs");
        await using var host = await GatewayHost.StartAsync(
            new() { ["CorsOrigins:0"] = site.Origin }, onSockets: true, arrange: AskedAnswers.Arrange);
        await using var locked = await LockedGateway.StartAsync(site.Origin);
        var page = await browser.NewPageAsync();
        await page.GotoAsync(site.Origin);

        var seen = await page.EvaluateAsync<string>(
            """
            async ([open, locked, descriptors]) => {
              const { look } = await import('/script.mjs');
              return JSON.stringify(await look(open, locked, Uint8Array.from(atob(descriptors), (one) => one.charCodeAt(0))));
            }
            """,
            new[] { host.Http1.Base(), locked.Http1.Base(), Convert.ToBase64String(Descriptors()) });

        await AssertSeenAsync(host, JsonDocument.Parse(seen).RootElement);
    }

    private static async Task AssertSeenAsync(GatewayHost host, JsonElement seen)
    {
        NodeClient.AssertSeen(seen,
            ("answer", "[\"<user>Hi\",8,\"Hello, world!\",13]"),
            ("stream", "[[\"accepted\",\"delta\",\"choiceFinished\",\"completed\"],\"Hello, world!\",\"18446744073709551615\"]"),
            ("usage", "[8,13]"),
            ("logprobs", "13"),
            ("tools", "[[\"get_weather\",\"{\\\"city\\\": \\\"Köln\\\"}\"]]"),
            ("reasoning", "\"Hm.\""),
            ("schema", "{\"city\":\"Köln\"}"),
            ("broken", "[\"internal\",\"The model failed to answer; the server's log has the cause.\",false]"),
            ("invalid", "[\"InvalidArgument\",[\"sampling.temperature must be between 0 and 100 (it is -1)\","
                + "\"sampling.top_p must be between 0 and 1 (it is 7)\"],0]"),
            ("invalidUnary", "[\"InvalidArgument\",[\"sampling.temperature must be between 0 and 100 (it is -1)\"],0]"),
            ("notFound", "[\"NotFound\",[\"model 'other' is not served here; the model is 'fake'\"],0]"),
            ("noKey", "[\"Unauthenticated\",[],0]"),
            ("limited", "[\"ResourceExhausted\",[],1]"),
            ("cancel", "[\"Canceled\",[],0]"));
        await host.AssertIdleAsync();
        Assert.Equal(1, host.Generator.Cancelled);
    }

    /// <summary>The contract and the details of its errors, each file behind those that it imports.</summary>
    private static byte[] Descriptors()
    {
        var set = new FileDescriptorSet();
        Add(ChatReflection.Descriptor);
        Add(ErrorDetailsReflection.Descriptor);
        return set.ToByteArray();

        void Add(FileDescriptor file)
        {
            if (set.File.Any(one => one.Name == file.Name))
                return;
            foreach (var imported in file.Dependencies)
                Add(imported);
            set.File.Add(file.ToProto());
        }
    }
}
