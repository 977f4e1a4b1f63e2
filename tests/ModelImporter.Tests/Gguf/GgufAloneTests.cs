using System.Text.Json;
using Parley.ModelImporter.Tests.Graph;
using Parley.TestSupport;
using Parley.Tokenizer;
using Parley.Tokenizer.Detokenization;
using Parley.Tokenizer.Templating;
using Parley.Tokenizer.Templating.Values;

namespace Parley.ModelImporter.Tests.Gguf;

/// <summary>GGUF files with nothing beside them, as llama.cpp's converter wrote them: what the reference answers on them.</summary>
public sealed class GgufAloneTests
{
    private const double ExactMax = 5e-6;

    [Fact]
    public void Tensors_OfEveryType_AreTheReferenceValues()
    {
        using var checkpoint = CheckpointReader.Open(Shared.Fixture("gguf", "every-type.gguf"));
        foreach (var expected in Json("gguf", "every-type.json").GetProperty("tensors").EnumerateObject())
        {
            var shape = Fixture.Ids(expected.Value.GetProperty("shape"));
            var values = new float[shape.Aggregate(1, (size, next) => size * next)];
            checkpoint.Tensors.Read(ModelImporter.Gguf.GgufNames.Translate(
                expected.Name, new ModelImporter.Gguf.Families.LlamaGguf().Modules), 0, values);

            AssertNear(Fixture.Numbers(expected.Value.GetProperty("first8")), values[..8], expected.Name);
            AssertNear(Fixture.Numbers(expected.Value.GetProperty("last8")), values[^8..], expected.Name);
            Assert.Equal(1, values.Sum(value => Math.Abs((double)value)) / expected.Value.GetProperty("sum_abs").GetDouble(), 1e-6);
        }
    }

    [Theory]
    [InlineData("every-type", "gguf", "every-type.json")]
    [InlineData("llama-tied-llama3rope", "hf", "llama-tied-llama3rope", "expected.json")]
    public void Import_OfAFileAlone_AnswersAsTheReferenceDoes(string name, params string[] answers)
    {
        using var folder = new TemporaryFolder();
        var package = Import(name, folder);
        using var model = new GroupQueryModel(package);
        var tokenizer = TokenizerModel.Load(new TokenizerOptions { PackageDirectory = package }, TimeProvider.System);

        foreach (var scene in Json(answers).GetProperty("cases").EnumerateArray())
        {
            var ids = Fixture.Ids(scene.GetProperty("ids"));
            var rendered = Render(tokenizer, scene.GetProperty("messages"));
            var encoded = new List<int>();
            tokenizer.Tokenizer.EncodeChat(
                rendered.Text, rendered.UserRanges, tokenizer.ControlsOf(tokenizer.FindTemplate("", hasTools: false)), encoded);
            var greedy = Fixture.Ids(scene.GetProperty("greedy_ignore_eos"));
            var logits = model.Run([.. ids, .. greedy], [.. Enumerable.Range(ids.Length - 1, greedy.Length)]);

            Assert.Equal(scene.GetProperty("text").GetString(), rendered.Text);
            Assert.Equal(ids, encoded);
            Assert.InRange(
                Fixture.RelativeError(logits.AsSpan(0, 384), Fixture.Numbers(scene.GetProperty("last_logits"))), 0, ExactMax);
            Assert.Equal(greedy, logits.Chunk(384).Select(row => Array.IndexOf(row, row.Max())));
        }
    }

    [Fact]
    public void Import_SentencePieceVocabulary_EncodesAndAnswersAsTheReferenceDoes()
    {
        using var folder = new TemporaryFolder();
        var package = Import("llama-spm", folder);
        var tokenizer = TokenizerModel.Load(new TokenizerOptions { PackageDirectory = package }, TimeProvider.System).Tokenizer;
        var expected = Json("gguf", "llama-spm.json");

        foreach (var item in expected.GetProperty("strings").EnumerateArray())
        {
            var text = item.GetProperty("text").GetString()!;
            var (ids, wanted) = (new List<int>(), Fixture.Ids(item.GetProperty("ids")));
            // SentencePiece knows no control pieces in a text, as our tokenizer knows none in a user's.
            tokenizer.Encode(text, UserRanges.All(text.Length), addSpecialTokens: false, ids);
            Assert.Equal((text, string.Join(' ', wanted)), (text, string.Join(' ', ids)));
            Assert.Equal(item.GetProperty("decoded").GetString(), BatchDecoder.Decode(tokenizer.Tokens, wanted, skipSpecialTokens: false));
        }

        using var model = new GroupQueryModel(package);
        foreach (var scene in expected.GetProperty("logits").EnumerateArray())
        {
            var ids = Fixture.Ids(scene.GetProperty("ids"));
            Assert.InRange(Fixture.RelativeError(
                model.Run(ids, ids.Length - 1), Fixture.Numbers(scene.GetProperty("last_logits"))), 0, ExactMax);
        }
    }

    /// <summary>What int4 is rounded for is encoded before there is a package.</summary>
    [Fact]
    public void WriteSmallFiles_OfAFileAlone_AreWhatATokenizerReads()
    {
        using var folder = new TemporaryFolder();

        ModelImport.WriteSmallFiles(Shared.Fixture("gguf", "llama-spm.gguf"), folder.Path);
        var tokenizer = TokenizerModel.Load(new TokenizerOptions { PackageDirectory = folder.Path }, TimeProvider.System);

        Assert.Equal([263], tokenizer.Tokenizer.Encode("a"));
        Assert.Equal(["default"], tokenizer.TemplateNames);
        Assert.Equal([2, 5], tokenizer.SpecialTokens.EndIds);
    }

    /// <summary>A real model that is one file: text, ids, and answers of its own weights.</summary>
    [Fact]
    public void Import_SmolLm2AsOneFile_AnswersAsTheReferenceDoes()
    {
        var (gguf, answers) = (Shared.SmolLm2Gguf(), Shared.SmolLm2Expected());
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder.File("smollm2.gguf"), gguf);
        var package = folder.File("package");
        ModelImport.Run(new ImportOptions
        {
            Source = folder.File("smollm2.gguf"),
            Destination = package,
            Precision = "fp32",
            ContextTokensMax = 2048,
        });
        using var model = new GroupQueryModel(package);
        var tokenizer = TokenizerModel.Load(new TokenizerOptions { PackageDirectory = package }, TimeProvider.System);

        using var document = JsonDocument.Parse(File.ReadAllBytes(answers));
        foreach (var scene in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            var ids = Fixture.Ids(scene.GetProperty("ids"));
            var rendered = Render(tokenizer, scene.GetProperty("messages"));
            var encoded = new List<int>();
            tokenizer.Tokenizer.EncodeChat(
                rendered.Text, rendered.UserRanges, tokenizer.ControlsOf(tokenizer.FindTemplate("", hasTools: false)), encoded);
            var greedy = Fixture.Ids(scene.GetProperty("greedy_of_the_gguf_itself"));
            var logits = model.Run([.. ids, .. greedy], [.. Enumerable.Range(ids.Length - 1, greedy.Length)]);

            Assert.Equal(scene.GetProperty("text").GetString(), rendered.Text);
            Assert.Equal(ids, encoded);
            Assert.Equal(greedy, logits.Chunk(logits.Length / greedy.Length).Select(row => Array.IndexOf(row, row.Max())));
            Assert.Contains(2, tokenizer.SpecialTokens.EndIds);
        }
    }

    /// <summary>Its linears are Q4_1 and stay so.</summary>
    [Fact]
    public void DefaultPrecision_OfSmolLm2AsOneFile_KeepsItsGrid() =>
        Assert.Equal("int4", ModelImport.DefaultPrecision(Shared.SmolLm2Gguf()));

    private static RenderedChat Render(TokenizerModel tokenizer, JsonElement messages) =>
        tokenizer.FindTemplate("", hasTools: false).Render(new ChatInput(
            [.. messages.EnumerateArray().Select(message => new DictionaryValue([.. message.EnumerateObject().Select(Field)]))],
            NoneValue.Instance, NoneValue.Instance, AddGenerationPrompt: true, ContinueFinalMessage: false, []));

    private static KeyValuePair<TemplateValue, TemplateValue> Field(JsonProperty property) =>
        new(new TextValue(property.Name), new TextValue(property.Value.GetString()!));

    private static string Import(string name, TemporaryFolder folder)
    {
        // A copy, so that nothing lies beside it.
        var source = Path.Combine(Directory.CreateDirectory(folder.File("source")).FullName, "model.gguf");
        File.Copy(Shared.Fixture("gguf", name + ".gguf"), source);
        ModelImport.Run(new ImportOptions { Source = source, Destination = folder.File("package"), Precision = "fp32" });
        return folder.File("package");
    }

    private static void AssertNear(float[] expected, float[] actual, string name)
    {
        for (var i = 0; i < expected.Length; i++)
            Assert.True(MathF.Abs(expected[i] - actual[i]) <= 1e-6f * MathF.Max(1, MathF.Abs(expected[i])), $"{name}: {actual[i]}");
    }

    private static JsonElement Json(params string[] parts)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Shared.Fixture(parts)));
        return document.RootElement.Clone();
    }
}
