using System.Diagnostics;
using System.Net;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Parley.ServiceDefaults;
using Parley.Tokenizer;
using Parley.Tokenizer.V1;

namespace Parley.Benchmarks;

/// <summary>
/// EncodeChat over gRPC on loopback, as the service is hosted: server-side time is that of the request's pipeline behind Kestrel, with
/// reading and writing the messages; the round trip is the client's. Client and server share the process and its processors.
/// </summary>
internal static class WireTable
{
    private const int WarmUpCalls = 20_000;
    private const int Calls = 40_000;

    public static async Task PrintAsync()
    {
        var chat = new ChatMaterial();
        var times = new ServerTimes();
        await using var app = await StartAsync(chat.Folder, times);
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        using var channel = GrpcChannel.ForAddress(address);
        var client = new Tokenization.TokenizationClient(channel);
        var ids = (await client.EncodeChatAsync(chat.Request)).Ids.Count;
        await CallAsync(client, chat.Request, WarmUpCalls, 8);
        Console.WriteLine($"chat of {ids} ids, request of {chat.Request.CalculateSize()} bytes, {Calls:N0} calls a row");
        Console.WriteLine("| calls in flight | server side, mean | median | 99 % | round trip, mean | calls/s | processor time per call |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (var inFlight in (int[])[1, 2, 4, 16, 64])
        {
            times.Clear();
            var processor = Process.GetCurrentProcess().TotalProcessorTime;
            var started = Stopwatch.GetTimestamp();
            await CallAsync(client, chat.Request, Calls, inFlight);
            var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            processor = Process.GetCurrentProcess().TotalProcessorTime - processor;
            Console.WriteLine($"| {inFlight} | {times.Mean:F1} µs | {times.Quantile(0.5):F1} µs | {times.Quantile(0.99):F1} µs | "
                + $"{1e6 * seconds * inFlight / Calls:F0} µs | {Calls / seconds:N0} | {processor.TotalMicroseconds / Calls:F1} µs |");
        }

        await app.StopAsync();
        chat.Delete();
    }

    private static async Task<WebApplication> StartAsync(string folder, ServerTimes times)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration["Tokenizer:PackageDirectory"] = folder;
        builder.WebHost.ConfigureKestrel(options =>
            options.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.AddServiceDefaults("parley-tokenizer");
        builder.AddTokenizer();
        var app = builder.Build();
        app.Use(times.MeasureAsync);
        app.UseRouting();
        app.MapServiceDefaults();
        app.MapTokenizer();
        await app.StartAsync();
        return app;
    }

    private static async Task CallAsync(Tokenization.TokenizationClient client, EncodeChatRequest request, int calls, int inFlight)
    {
        var left = calls;
        await Task.WhenAll(Enumerable.Range(0, inFlight).Select(async _ =>
        {
            while (Interlocked.Decrement(ref left) >= 0)
                await client.EncodeChatAsync(request);
        }));
    }
}
