using System.Globalization;
using System.Text.Json.Nodes;

namespace Parley.Cli.Sizing;

/// <summary>A model that exists as numbers only: <c>layers=32,hidden=4096,…</c>.</summary>
internal static class ShapeText
{
    public const string Example = "layers=32,hidden=4096,intermediate=14336,heads=32,kv-heads=8,vocabulary=128256,context=131072";

    private static readonly (string Name, string Field, bool IsNeeded)[] Numbers =
    [
        ("layers", "num_hidden_layers", true), ("hidden", "hidden_size", true), ("intermediate", "intermediate_size", true),
        ("heads", "num_attention_heads", true), ("kv-heads", "num_key_value_heads", false), ("head-size", "head_dim", false),
        ("vocabulary", "vocab_size", true), ("context", "max_position_embeddings", true),
    ];

    /// <summary>Measures such a model as a checkpoint of it would be.</summary>
    /// <param name="text">The numbers.</param>
    /// <param name="precision">The precision to import to.</param>
    /// <param name="context">Positions to serve; 0 is the importer's default.</param>
    /// <exception cref="UserErrorException">A number is missing, is none, or has a name that nobody knows.</exception>
    public static ModelSize Measure(string text, string? precision, int context)
    {
        var folder = Directory.CreateTempSubdirectory("parley-shape-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "config.json"), ToConfig(text).ToJsonString());
            return ModelSize.OfSource("a model of this shape", folder, precision, context);
        }
        catch (InvalidDataException exception)
        {
            // The file is ours, so its name would say nothing.
            var file = folder + Path.DirectorySeparatorChar;
            throw new UserErrorException($"--shape: {exception.Message.Replace(file, "", StringComparison.Ordinal)}");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static JsonObject ToConfig(string text)
    {
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray("LlamaForCausalLM"),
            ["model_type"] = "llama",
            ["tie_word_embeddings"] = false,
        };
        foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (part.Split('=') is not [var name, var value])
                throw new UserErrorException($"--shape: '{part}' is no NAME=NUMBER; give e.g. {Example}.");
            if (name == "tied" && bool.TryParse(value, out var tied))
                config["tie_word_embeddings"] = tied;
            else if (Array.Find(Numbers, one => one.Name == name) is { Field: { } field }
                && int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0)
                config[field] = number;
            else
                throw new UserErrorException($"--shape: '{part}' is none of {Names()}, tied=true|false with a number from 1 on.");
        }

        var missing = Numbers.Where(one => one.IsNeeded && !config.ContainsKey(one.Field)).Select(one => one.Name).ToList();
        return missing.Count == 0 ? config
            : throw new UserErrorException($"--shape: {string.Join(", ", missing)} is missing; e.g. {Example}.");
    }

    private static string Names() => string.Join(", ", Numbers.Select(one => one.Name));
}
