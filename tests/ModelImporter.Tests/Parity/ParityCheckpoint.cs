using System.Text.Json;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Parity;

/// <summary>A tiny checkpoint of some family, and what transformers answers on it.</summary>
/// <param name="Name">Its folder among the fixtures.</param>
internal sealed record ParityCheckpoint(string Name)
{
    /// <summary>Families with experts.</summary>
    public static TheoryData<string> Mixtures { get; } =
        ["granitemoe", "mixtral", "olmoe", "qwen3-moe", "gpt-oss-mxfp4", "glm4-moe-lite-mla"];

    /// <summary>Families with states beside keys and values.</summary>
    public static TheoryData<string> Recurrent { get; } = ["lfm2", "lfm3", "qwen3.5-in-multimodal", "granite4-hybrid"];

    /// <summary>All families that have one.</summary>
    public static TheoryData<string> All { get; } =
    [
        "llama-linear", "llama-tied-llama3rope", "llama-untied-headdim32-bf16", "llama-dynamic-64", "mistral", "mistral-window24",
        "ministral3-in-mistral3", "qwen2-bias-tied", "qwen3-tied", "phi3", "phi3-longrope-short", "phi3-longrope-long",
        "phi4-partial-rotary", "gemma2", "gemma3-in-multimodal", "granite-tied", "smollm3-window", "olmo3", "cohere2", "glm4", "exaone4",
        "ernie4.5", "hunyuan-dense", "arcee", "apertus", "granite-swa", "gemma4-e-in-multimodal",
        .. Recurrent.Select(row => row.Data), .. Mixtures.Select(row => row.Data),
    ];

    /// <summary>Those whose later answers mean something: beyond the border of dynamic, transformers' depend on its past.</summary>
    public static TheoryData<string> WithAnswers { get; } = [.. All.Select(row => row.Data).Where(name => name != "llama-dynamic-64")];

    public string Folder => Shared.Fixture("hf", Name);

    /// <summary>The conversations.</summary>
    public IReadOnlyList<ParityCase> Cases()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "expected.json")));
        return [.. document.RootElement.GetProperty("cases").EnumerateArray().Select(scene => new ParityCase(
            [.. scene.GetProperty("ids").EnumerateArray().Select(id => id.GetUInt32())],
            Fixture.Numbers(scene.GetProperty("last_logits")),
            Fixture.Numbers(scene.GetProperty("mid_logits")),
            [.. scene.GetProperty("greedy_ignore_eos").EnumerateArray().Select(id => id.GetUInt32())]))];
    }

    public override string ToString() => Name;
}
