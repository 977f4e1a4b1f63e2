#!/usr/bin/env bash
# Aspire.Hosting 13.6.5 (NuGet) with the orchestrator that its SDK 13.6.4 brings (DCP): an endpoint of a program is reached through a
# proxy unless it is told not to be. When the program is stopped the proxy goes on listening: a connection is taken, and the request is
# neither answered nor refused but held, until the program is started again or the caller's own time is over (45 s were tried). At the
# start of an application that is of use. To a client that has several servers, though, the stopped one looks slow instead of gone: what
# goes by refused connections (failover, retries, round robin that leaves out what cannot be reached) never sets in, in tests of just
# that. With isProxied: false the endpoint is the program's own, and refuses.
#
# Seen on 2026-11-30:
#   proxied, running: here
#   proxied, stopped: no answer within 5 s
#   proxied, asked while stopped and then started: here
#   direct, running: here
#   direct, stopped: ConnectionRefused
# Needs: a .NET 10 SDK with a NuGet feed, node, 64-bit Linux; no container runtime; a minute. Fails when what it sees changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > probe.csproj <<'XML'
<Project Sdk="Aspire.AppHost.Sdk/13.6.4">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Aspire.Hosting.AppHost" Version="[13.6.5]" />
    <!-- Aspire asks for versions that not every feed has. -->
    <PackageReference Include="Nerdbank.MessagePack" Version="1.3.88" />
    <PackageReference Include="Polly.Core" Version="8.8.0" />
  </ItemGroup>
</Project>
XML
cat > server.mjs <<'JS'
import { createServer } from "node:http";
createServer((request, reply) => reply.end("here")).listen(Number(process.env.PORT), "127.0.0.1");
JS
cat > Program.cs <<'CS'
using System.Net;
using System.Net.Sockets;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

var builder = DistributedApplication.CreateBuilder(new DistributedApplicationOptions { DisableDashboard = true });
builder.Services.AddLogging(logging => logging.ClearProviders());
builder.Configuration["DcpPublisher:RandomizePorts"] = "true";
builder.Configuration["DcpPublisher:WaitForResourceCleanup"] = "true";
var proxied = builder.AddExecutable("proxied", "node", ".", "server.mjs").WithHttpEndpoint(name: "http", env: "PORT");
var direct = builder.AddExecutable("direct", "node", ".", "server.mjs")
    .WithHttpEndpoint(port: FreePort(), name: "http", env: "PORT", isProxied: false);
await using var app = builder.Build();
await app.StartAsync();
var commands = app.Services.GetRequiredService<ResourceCommandService>();

var url = await StartedAsync(proxied);
await StopAsync(proxied);
Console.WriteLine($"proxied, stopped: {await AskAsync(url, 5)}");
var held = AskAsync(url, 60);
await Task.Delay(2000);
await commands.ExecuteCommandAsync("proxied", KnownResourceCommands.StartCommand);
Console.WriteLine($"proxied, asked while stopped and then started: {await held}");

url = await StartedAsync(direct);
await StopAsync(direct);
Console.WriteLine($"direct, stopped: {await AskAsync(url, 5)}");
await app.StopAsync();

async Task<Uri> StartedAsync(IResourceBuilder<ExecutableResource> server)
{
    await app.ResourceNotifications.WaitForResourceAsync(server.Resource.Name, KnownResourceStates.Running);
    var address = new Uri(server.GetEndpoint("http").Url);
    // It runs some time before it listens.
    var answer = await AskAsync(address, 30);
    for (var tries = 0; answer != "here" && tries < 60; tries++)
    {
        await Task.Delay(500);
        answer = await AskAsync(address, 30);
    }

    Console.WriteLine($"{server.Resource.Name}, running: {answer}");
    return address;
}

async Task StopAsync(IResourceBuilder<ExecutableResource> server)
{
    await commands.ExecuteCommandAsync(server.Resource.Name, KnownResourceCommands.StopCommand);
    await app.ResourceNotifications.WaitForResourceAsync(server.Resource.Name, KnownResourceStates.TerminalStates);
}

static async Task<string> AskAsync(Uri address, int secondsMax)
{
    using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(secondsMax) };
    try
    {
        return await http.GetStringAsync(address);
    }
    catch (TaskCanceledException)
    {
        return $"no answer within {secondsMax} s";
    }
    catch (HttpRequestException exception)
    {
        return (exception.InnerException as SocketException)?.SocketErrorCode.ToString() ?? exception.Message;
    }
}

static int FreePort()
{
    using var listener = new TcpListener(IPAddress.Loopback, 0);
    listener.Start();
    return ((IPEndPoint)listener.LocalEndpoint).Port;
}
CS
dotnet build -c Release >build.log 2>&1 || { cat build.log >&2; exit 2; }
timeout 100 dotnet bin/Release/net10.0/probe.dll | tee seen
diff seen - <<'EXPECTED'
proxied, running: here
proxied, stopped: no answer within 5 s
proxied, asked while stopped and then started: here
direct, running: here
direct, stopped: ConnectionRefused
EXPECTED
echo "as described"
