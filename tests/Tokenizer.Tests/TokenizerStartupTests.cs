using Microsoft.Extensions.Options;
using Parley.PackageFormat;
using Parley.Tokenizer.Tests.Doubles;

namespace Parley.Tokenizer.Tests;

/// <summary>A folder that cannot be served fails the start, naming file and field.</summary>
public sealed class TokenizerStartupTests : IDisposable
{
    private readonly SmallModel _model = new();

    public void Dispose() => _model.Dispose();

    [Fact]
    public async Task Start_NoFolderSet_NamesTheSetting()
    {
        var fault = await Assert.ThrowsAsync<OptionsValidationException>(() => TokenizerHost.StartAsync(""));
        Assert.Contains("Tokenizer:PackageDirectory", fault.Message);
    }

    [Fact]
    public async Task Start_MissingFolder_NamesIt() => await Fails(Path.Combine(_model.Directory, "nowhere"), "nowhere");

    [Fact]
    public async Task Start_MissingTokenizer_NamesTheFile()
    {
        _model.Delete("tokenizer.json");
        await Fails(_model.Directory, "tokenizer.json is missing");
    }

    [Fact]
    public async Task Start_EmptyFolder_SaysThatNothingHasBeenWritten()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_model.Directory, "volume"));
        await Fails(folder.FullName, "the folder is empty");
    }

    /// <summary>Without its template the folder would serve, and every chat would fail.</summary>
    [Theory]
    [InlineData("chat_template.jinja", 12, "chat_template.jinja: the file is missing")]
    [InlineData("tokenizer_config.json", 12, "tokenizer_config.json: the file has")]
    [InlineData("model.data", 12, null)]
    public async Task Start_PackageCopiedInPart_NamesTheFileThatIsNotWhole(string name, long bytes, string? named)
    {
        _model.Delete("chat_template.jinja");
        var manifest = Manifests.Of("small", new Dictionary<string, PackageFile> { [name] = new(bytes, "") });
        _model.Write("parley.json", manifest.ToJson());
        if (named is not null)
        {
            await Fails(_model.Directory, named);
            return;
        }

        // The weights are not this service's.
        await using var host = await TokenizerHost.StartAsync(_model.Directory);
    }

    [Fact]
    public async Task Start_BrokenTemplate_NamesFileAndLine()
    {
        _model.Write("chat_template.jinja", "\n{% if x %}");
        await Fails(_model.Directory, "chat_template.jinja");
    }

    [Theory]
    [InlineData("normalizer", """{"type": "Precompiled2"}""", "tokenizer.json: normalizer the normalizer \"Precompiled2\"")]
    [InlineData("pre_tokenizer", """{"type": "Sequence", "pretokenizers": [{"type": "Mystery"}]}""", "pre_tokenizer.pretokenizers[0]")]
    [InlineData("pre_tokenizer", """{"type": "ByteLevel", "surprise": 1}""", "\"surprise\"")]
    [InlineData("decoder", """{"type": "CTC"}""", "decoder")]
    [InlineData("post_processor", """{"type": "Other"}""", "post_processor")]
    [InlineData("extra_stage", "{}", "extra_stage")]
    [InlineData("model", """{"type": "WordLevel", "vocab": {}, "merges": []}""", "WordLevel")]
    [InlineData("model", """{"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}""", "model.merges[0]")]
    [InlineData("model", """{"type": "BPE", "vocab": {"a": 0}, "merges": [], "dropout": 0.1}""", "model.dropout")]
    [InlineData("model", """{"type": "BPE", "vocab": {"a": -1}, "merges": []}""", "model.vocab")]
    [InlineData("added_tokens", """[{"id": 7, "content": "a"}]""", "added_tokens[0]")]
    public async Task Start_UnknownOption_NamesIt(string section, string json, string named)
    {
        var file = SmallModel.TokenizerJson();
        file[section] = System.Text.Json.Nodes.JsonNode.Parse(json);
        _model.Write("tokenizer.json", file.ToJsonString());
        await Fails(_model.Directory, named);
    }

    /// <summary>Sixty steps, each of which doubles the text.</summary>
    [Fact]
    public async Task Start_NormalizerThatGrowsWithoutBound_IsRefused()
    {
        const string Step = """{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}""";
        var file = SmallModel.TokenizerJson();
        file["normalizer"] = System.Text.Json.Nodes.JsonNode.Parse(
            $$"""{"type": "Sequence", "normalizers": [{{string.Join(",", Enumerable.Repeat(Step, 60))}}]}""");
        _model.Write("tokenizer.json", file.ToJsonString());
        await Fails(_model.Directory, "at most 67108864 are allowed");
    }

    [Theory]
    [InlineData("tokenizer_config.json", """{"chat_template": "\ud800"}""")]
    [InlineData("special_tokens_map.json", """{"\udc00_token": "a"}""")]
    [InlineData("config.json", """{"_name_or_path": ["\ud83d"]}""")]
    [InlineData("generation_config.json", "{")]
    public async Task Start_SmallFileThatIsNoText_NamesIt(string file, string json)
    {
        _model.Write(file, json);
        await Fails(_model.Directory, file);
    }

    [Theory]
    [InlineData("tokenizer.json", 512)]
    [InlineData("tokenizer_config.json", 64)]
    [InlineData("chat_template.jinja", 64)]
    public async Task Start_FileOfAbsurdLength_IsRefusedUnread(string name, int mebibytes)
    {
        using (var file = File.Open(Path.Combine(_model.Directory, name), FileMode.Open, FileAccess.Write))
            file.SetLength(((long)mebibytes << 20) + 1);
        await Fails(_model.Directory, name);
    }

    [Fact]
    public async Task Start_BrokenJson_SaysSo()
    {
        _model.Write("tokenizer.json", "{\"model\": {");
        await Fails(_model.Directory, "tokenizer.json");
    }

    private static async Task Fails(string directory, string named)
    {
        var fault = await Assert.ThrowsAsync<InvalidDataException>(() => TokenizerHost.StartAsync(directory));
        Assert.Contains(named, fault.Message);
    }
}
