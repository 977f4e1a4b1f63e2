#!/usr/bin/env bash
# Microsoft.Extensions.AI.OpenAI 10.11.0 (NuGet): a response format's schema is made strict before it is sent: every object that has
# "properties" gets "additionalProperties": false. The branches of allOf get it too, and each then forbids what the other asks for, so
# the schema that reaches the server has no instance. A server that enforces it can only refuse or never end; nothing is raised in
# the client. One instance, by JsonSchema.Net 8.0.5, is valid before and invalid after.
#
# Seen on 2026-11-30:
#   asked for: valid
#   sent: not valid, {"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false},
#     {"type":"object","properties":{"b":{"type":"integer"}},"required":["b"],"additionalProperties":false}]}   (one line)
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
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="JsonSchema.Net" Version="[8.0.5]" />
    <PackageReference Include="Microsoft.Extensions.AI.OpenAI" Version="[10.11.0]" />
  </ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net;
using System.Text.Json;
using Json.Schema;
using Microsoft.Extensions.AI;
using OpenAI;

const string Asked =
    """
    {"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},
              {"type":"object","properties":{"b":{"type":"integer"}},"required":["b"]}]}
    """;
var instance = JsonElement.Parse("""{"a":1,"b":2}""");
Console.WriteLine($"asked for: {Verdict(Asked)}");

var server = new Server();
var options = new OpenAIClientOptions
{
    Transport = new HttpClientPipelineTransport(new HttpClient(server)),
    RetryPolicy = new ClientRetryPolicy(0),
};
using var client = new OpenAIClient(new ApiKeyCredential("none"), options).GetChatClient("model").AsIChatClient();
try
{
    await client.GetResponseAsync("hello", new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse(Asked), "both") });
}
catch (ClientResultException)
{
    // What was sent is all that counts.
}

var sent = JsonElement.Parse(server.Body).GetProperty("response_format").GetProperty("json_schema").GetProperty("schema");
Console.WriteLine($"sent: {Verdict(sent.GetRawText())}, {JsonSerializer.Serialize(sent)}");

string Verdict(string schema) => JsonSchema.FromText(schema).Evaluate(instance).IsValid ? "valid" : "not valid";

internal sealed class Server : HttpMessageHandler
{
    public string Body { get; private set; } = "";

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Body = await request.Content!.ReadAsStringAsync(cancellationToken);
        return new HttpResponseMessage(HttpStatusCode.ServiceUnavailable) { Content = new StringContent("{}") };
    }
}
CS
dotnet build -c Release >build.log 2>&1 || { cat build.log >&2; exit 2; }
dotnet bin/Release/net10.0/probe.dll | tee seen
diff seen - <<'EXPECTED'
asked for: valid
sent: not valid, {"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false},{"type":"object","properties":{"b":{"type":"integer"}},"required":["b"],"additionalProperties":false}]}
EXPECTED
echo "as described"
