using System.Text.Json;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests;

/// <summary>Three tiny random checkpoints, with what the reference implementation answers on them (<c>expected.json</c>).</summary>
internal static class Fixture
{
    public const string TiedLlama3Rope = "llama-tied-llama3rope";
    public const string UntiedHeadDim32 = "llama-untied-headdim32-bf16";
    public const string Linear = "llama-linear";

    public static string[] Names { get; } = [TiedLlama3Rope, UntiedHeadDim32, Linear];

    public static string Folder(string name) =>
        Path.Combine(Shared.RepositoryRoot, "tests", "ModelImporter.Tests", "Fixtures", name);

    public static JsonElement Expected(string name)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder(name), "expected.json")));
        return document.RootElement.Clone();
    }

    public static int[] Ids(JsonElement list) => [.. list.EnumerateArray().Select(id => id.GetInt32())];

    public static float[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(number => number.GetSingle())];

    /// <summary>Largest difference over largest magnitude.</summary>
    public static double RelativeError(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        Assert.Equal(expected.Length, actual.Length);
        var (difference, magnitude) = (0.0, 0.0);
        for (var i = 0; i < actual.Length; i++)
        {
            Assert.False(float.IsNaN(actual[i]));
            difference = Math.Max(difference, Math.Abs(actual[i] - expected[i]));
            magnitude = Math.Max(magnitude, Math.Abs(expected[i]));
        }

        return difference / magnitude;
    }
}
