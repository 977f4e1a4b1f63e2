using System.Text.Json;
using Parley.ModelImporter.Architectures;

namespace Parley.ModelImporter.Tests.Architectures;

/// <summary>Configurations as transformers saves them, with every field of their classes (Fixtures/saved/make.py): each is known.</summary>
public sealed class SavedConfigurationTests
{
    private static readonly Dictionary<string, JsonElement> Saved = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(
        File.ReadAllText(Path.Combine(Fixture.Folder("saved"), "configs.json")))!;

    public static TheoryData<string> Names { get; } = [.. Saved.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Read_AConfigurationOfTransformers_KnowsEveryField(string name)
    {
        var config = CheckpointReader.CheckConfiguration(ConfigFile.Parse("config.json", Saved[name].GetRawText()));

        Assert.Equal((4, 64), (config.Shape.Layers, config.Shape.HiddenSize));
        Assert.DoesNotContain(config.Notes, note => note.Contains("are ignored", StringComparison.Ordinal));
        Assert.NotEmpty(CheckpointReader.WeightsOf(config).Names());
    }
}
