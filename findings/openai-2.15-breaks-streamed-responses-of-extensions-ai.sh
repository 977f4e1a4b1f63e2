#!/usr/bin/env bash
# Microsoft.Extensions.AI.OpenAI 10.11.0 with OpenAI 2.15.0 (NuGet): the first asks for OpenAI 2.14.0 or newer, so a project that takes
# the newest of both restores and builds without a warning. Whole answers of the Responses API work; a streamed one ends in
# MissingMethodException at its first use, before anything is sent: the method that makes the stream returns another type in 2.15.0.
# Chats are not touched. With OpenAI 2.14.0 both ways reach the network. A test that only builds, or only asks for whole answers, says
# nothing of it.
#
# Seen on 2026-11-30 (nobody listens at the address, so that ClientResultException is the good case):
#   OpenAI 2.14.0 whole: ClientResultException
#   OpenAI 2.14.0 streamed: ClientResultException
#   OpenAI 2.15.0 whole: ClientResultException
#   OpenAI 2.15.0 streamed: MissingMethodException
# Needs: a .NET 10 SDK with a NuGet feed. Fails when what it sees changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > probe.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <NoWarn>OPENAI001</NoWarn>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Microsoft.Extensions.AI.OpenAI" Version="[10.11.0]" />
    <PackageReference Include="OpenAI" Version="[$(OpenAiVersion)]" />
  </ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using System.ClientModel;
using System.ClientModel.Primitives;
using Microsoft.Extensions.AI;
using OpenAI.Responses;

// Port 9 of this machine: a client that works tells of the connection.
var options = new ResponsesClientOptions { Endpoint = new Uri("http://127.0.0.1:9/v1"), RetryPolicy = new ClientRetryPolicy(0) };
using var client = new ResponsesClient(new ApiKeyCredential("none"), options).AsIChatClient("model");
foreach (var isStreamed in new[] { false, true })
{
    try
    {
        if (isStreamed)
            await client.GetStreamingResponseAsync("hello").ToChatResponseAsync();
        else
            await client.GetResponseAsync("hello");
    }
    catch (Exception exception)
    {
        Console.WriteLine($"OpenAI {args[0]} {(isStreamed ? "streamed" : "whole")}: {exception.GetType().Name}");
    }
}
CS
for version in 2.14.0 2.15.0; do
  rm -rf bin obj
  dotnet build -c Release -p:OpenAiVersion="$version" >build.log 2>&1 || { cat build.log >&2; exit 2; }
  dotnet bin/Release/net10.0/probe.dll "$version"
done | tee seen
diff seen - <<'EXPECTED'
OpenAI 2.14.0 whole: ClientResultException
OpenAI 2.14.0 streamed: ClientResultException
OpenAI 2.15.0 whole: ClientResultException
OpenAI 2.15.0 streamed: MissingMethodException
EXPECTED
echo "as described"
