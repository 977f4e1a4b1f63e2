#!/usr/bin/env bash
# JsonSchema.Net 8.0.5 against 7.4.0 (NuGet): a schema that names no $schema is read as draft 2020-12 by the older version, and by the
# newer as JSON Schema v1, a release to come that the package's own page does not list among those it supports. That dialect has no
# unknown keywords: building the schema throws, where it was an annotation before. Most schemas of tools and response formats name no
# $schema, and what libraries write into them from types is enough: OpenAPI's discriminator, example and nullable, or x-order. Keywords
# that begin with x- throw as well, which the text of v1 (as of August 2026) has everybody take as annotations. With "$schema" in the
# text, or Dialect.Draft202012 in the options of the build, unknown keywords are annotations again.
#
# Seen on 2026-11-30:
#   7.4.0, no $schema, discriminator: valid
#   7.4.0, no $schema, x-order: valid
#   7.4.0, 2020-12, x-order: valid
#   8.0.5, no $schema, discriminator: Unknown keywords (discriminator) are disallowed for this dialect.
#   8.0.5, no $schema, x-order: Unknown keywords (x-order) are disallowed for this dialect.
#   8.0.5, 2020-12, x-order: valid
#   8.0.5, no $schema, x-order, BuildOptions of Draft202012: valid
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
    <DefineConstants Condition="'$(SchemaVersion)' == '8.0.5'">$(DefineConstants);EIGHT</DefineConstants>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="JsonSchema.Net" Version="[$(SchemaVersion)]" />
  </ItemGroup>
</Project>
XML
cat > Program.cs <<'CS'
using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;

Tell("no $schema, discriminator", """{"type":"object","discriminator":{"propertyName":"kind"}}""");
Tell("no $schema, x-order", """{"type":"object","x-order":["a","b"]}""");
Tell("2020-12, x-order", """{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","x-order":["a","b"]}""");
#if EIGHT
var options = new BuildOptions { Dialect = Dialect.Draft202012 };
Tell("no $schema, x-order, BuildOptions of Draft202012", """{"type":"object","x-order":["a","b"]}""",
    text => JsonSchema.FromText(text, options));
#endif

void Tell(string name, string text, Func<string, JsonSchema>? build = null)
{
    string verdict;
    try
    {
        verdict = Evaluate((build ?? (one => JsonSchema.FromText(one)))(text)) ? "valid" : "not valid";
    }
    catch (Exception exception)
    {
        verdict = exception.Message;
    }

    Console.WriteLine($"{args[0]}, {name}: {verdict}");
}

#if EIGHT
bool Evaluate(JsonSchema schema) => schema.Evaluate(JsonElement.Parse("""{"kind":"a"}""")).IsValid;
#else
bool Evaluate(JsonSchema schema) => schema.Evaluate(JsonNode.Parse("""{"kind":"a"}""")).IsValid;
#endif
CS
for version in 7.4.0 8.0.5; do
  rm -rf bin obj
  dotnet build -c Release -p:SchemaVersion="$version" >build.log 2>&1 || { cat build.log >&2; exit 2; }
  dotnet bin/Release/net10.0/probe.dll "$version"
done | tee seen
diff seen - <<'EXPECTED'
7.4.0, no $schema, discriminator: valid
7.4.0, no $schema, x-order: valid
7.4.0, 2020-12, x-order: valid
8.0.5, no $schema, discriminator: Unknown keywords (discriminator) are disallowed for this dialect.
8.0.5, no $schema, x-order: Unknown keywords (x-order) are disallowed for this dialect.
8.0.5, 2020-12, x-order: valid
8.0.5, no $schema, x-order, BuildOptions of Draft202012: valid
EXPECTED
echo "as described"
