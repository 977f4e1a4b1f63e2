using System.Text.Json;
using Parley.TestSupport;

namespace Parley.ModelPackages.Tests;

public sealed class CalibrationTextTests : IDisposable
{
    private const string TemplateName = "chat_template.jinja";

    private static readonly string[] Turns = ["<|system|>", "<|user|>", "<|assistant|>", "<|end|>"];

    private readonly string _folder = Directory.CreateTempSubdirectory("parley-calibration-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Encode_WithATemplate_WritesChatsInIt()
    {
        var ids = CalibrationText.Encode(Shared.DemoModel, int.MaxValue);

        Assert.InRange(ids.Length, 4_000, 16_384);
        Assert.All(Turns, turn => Assert.Contains(Id(turn), ids));
        Assert.Equal(ids[..1000], CalibrationText.Encode(Shared.DemoModel, 1000));
    }

    [Fact]
    public void Encode_WithoutATemplate_TakesTheWordsAlone()
    {
        CopyWithoutTemplate();

        var ids = CalibrationText.Encode(_folder, int.MaxValue);

        Assert.InRange(ids.Length, 4_000, CalibrationText.Encode(Shared.DemoModel, int.MaxValue).Length);
        Assert.All(Turns, turn => Assert.DoesNotContain(Id(turn), ids));
    }

    /// <summary>Templates of some models refuse a system message.</summary>
    [Fact]
    public void Encode_TemplateThatRefuses_TakesTheWordsOfThatChat()
    {
        CopyWithoutTemplate();
        File.WriteAllText(Path.Combine(_folder, TemplateName),
            "{% if messages[0].role == 'system' %}{{ raise_exception('no system message') }}{% endif %}"
            + File.ReadAllText(Path.Combine(Shared.DemoModel, TemplateName)));

        var ids = CalibrationText.Encode(_folder, int.MaxValue);

        Assert.DoesNotContain(Id("<|system|>"), ids);
        Assert.Contains(Id("<|user|>"), ids);
    }

    private void CopyWithoutTemplate()
    {
        foreach (var name in new[] { "config.json", "tokenizer.json", "tokenizer_config.json" })
            File.Copy(Path.Combine(Shared.DemoModel, name), Path.Combine(_folder, name));
    }

    private static int Id(string token)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Shared.DemoModel, "tokenizer.json")));
        return document.RootElement.GetProperty("added_tokens").EnumerateArray()
            .Single(entry => entry.GetProperty("content").GetString() == token).GetProperty("id").GetInt32();
    }
}
