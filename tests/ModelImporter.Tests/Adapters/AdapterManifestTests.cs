using System.Text.Json.Nodes;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Tests.Adapters;

/// <summary>What a reader of <c>adapter.json</c> takes, and what it refuses by its field.</summary>
public sealed class AdapterManifestTests
{
    private const string Good = """
        {"formatVersion":1,"name":"one","importer":"11","sourceSha256":"aa","rankMax":4,
         "base":{"architecture":"LlamaForCausalLM","layers":2,"hiddenSize":64,"vocabularySize":384,"sourceSha256":"bb"},
         "linears":[{"node":"layers.0.qkv","inputs":64,"parts":[
           {"output":0,"outputs":64,"rank":4,"a":0,"b":1024},{"output":96,"outputs":32,"rank":4,"a":2048,"b":3072}]}],
         "files":{"adapter.data":{"bytes":3584,"sha256":"cc"}}}
        """;

    [Fact]
    public void Parse_WhatWasWritten_IsTheSame()
    {
        var manifest = AdapterManifest.Parse(Good, "adapter.json");

        Assert.Equal(128, Assert.Single(manifest.Linears).OutputsMin());
        Assert.Equal(manifest.ToJson(), AdapterManifest.Parse(manifest.ToJson(), "adapter.json").ToJson());
    }

    [Theory]
    [InlineData("formatVersion", "2", "formatVersion is 2, this build reads 1")]
    [InlineData("formatVersion", "\"1\"", "formatVersion is missing")]
    [InlineData("more", "1", "more")]
    [InlineData("name", "\"\"", "name is empty")]
    [InlineData("name", "null", "name")]
    [InlineData("linears", "[]", "linears has 0 entries")]
    [InlineData("linears", "[null]", "linears[0] is null")]
    [InlineData("rankMax", "8", "rankMax is 8, the largest rank of a part is 4")]
    [InlineData("files", "{}", "files does not list adapter.data")]
    [InlineData("files.adapter.data", "null", "files does not list adapter.data")]
    [InlineData("files.other", """{"bytes":1,"sha256":"dd"}""", "files does not list adapter.data alone")]
    [InlineData("linears.0.node", "\"\"", "node is empty")]
    [InlineData("linears.0.inputs", "0", "inputs is 0")]
    [InlineData("linears.0.inputs", "65", "a is 0 for 1040 bytes", 1024)]
    [InlineData("linears.0.parts", "[]", "parts has 0 entries")]
    [InlineData("linears.0.parts", "[null]", "parts[0] is null")]
    [InlineData("linears.0.parts.1.output", "63", "parts[1].output is 63, before row 64")]
    [InlineData("linears.0.parts.0.output", "-1", "parts[0].output is -1, before row 0")]
    [InlineData("linears.0.parts.0.outputs", "0", "parts[0].outputs is 0")]
    [InlineData("linears.0.parts.1.outputs", "2147483647", "parts[1].outputs is 2147483647")]
    [InlineData("linears.0.parts.0.rank", "0", "parts[0].rank is 0")]
    [InlineData("linears.0.parts.0.rank", "1025", "parts[0].rank is 1025")]
    [InlineData("linears.0.parts.0.a", "32", "parts[0].a is 32")]
    [InlineData("linears.0.parts.0.a", "-64", "parts[0].a is -64")]
    [InlineData("linears.0.parts.1.b", "3136", "parts[1].b is 3136 for 512 bytes")]
    [InlineData("linears.0.parts.1.b", "9223372036854775744", "parts[1].b is 9223372036854775744")]
    public void Parse_WithAFieldThatIsWrong_NamesIt(string field, string json, string message, int bytes = 3584)
    {
        var root = JsonNode.Parse(Good)!.AsObject();
        root["files"]!["adapter.data"]!["bytes"] = bytes;
        JsonNode node = root;
        var parts = field.StartsWith("files.", StringComparison.Ordinal) ? ["files", field[6..]] : field.Split('.');
        foreach (var part in parts[..^1])
            node = node is JsonArray list ? list[int.Parse(part)]! : node[part]!;
        node[parts[^1]] = JsonNode.Parse(json);

        var error = Assert.Throws<InvalidDataException>(() => AdapterManifest.Parse(root.ToJsonString(), "adapter.json"));

        Assert.StartsWith("adapter.json: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_NodeTwice_NamesIt()
    {
        var root = JsonNode.Parse(Good)!.AsObject();
        root["linears"]!.AsArray().Add(root["linears"]![0]!.DeepClone());

        var error = Assert.Throws<InvalidDataException>(() => AdapterManifest.Parse(root.ToJsonString(), "adapter.json"));

        Assert.Contains("linears[1].node is layers.0.qkv, which stands there twice", error.Message, StringComparison.Ordinal);
    }
}
