using System.Text.Json;

namespace Parley.TokenizerFormat;

/// <summary>The named special tokens of a model folder and the ids that begin and end its texts.</summary>
/// <param name="Named">Name and text as templates see them, e.g. <c>bos_token</c>.</param>
/// <param name="BeginId">The id that opens a text, or null.</param>
/// <param name="EndIds">The ids that end an answer.</param>
internal sealed record SpecialTokens(IReadOnlyList<KeyValuePair<string, string>> Named, int? BeginId, IReadOnlyList<int> EndIds)
{
    /// <summary>Reads them from the folder's files.</summary>
    /// <exception cref="InvalidDataException">A file names a token or id that the vocabulary does not have.</exception>
    public static SpecialTokens Read(ModelFolder folder, TokenTable tokens)
    {
        var named = new List<KeyValuePair<string, string>>();
        foreach (var file in (ReadOnlySpan<string>)[ModelFolder.TokenizerConfig, "special_tokens_map.json"])
        {
            if (folder.TryRead(file) is not { ValueKind: JsonValueKind.Object } config)
                continue;
            foreach (var property in config.EnumerateObject())
            {
                if (property.Name.EndsWith("_token", StringComparison.Ordinal) && Content(property.Value) is { } content
                    && !named.Exists(pair => pair.Key == property.Name))
                    named.Add(new(property.Name, content));
            }
        }

        return new SpecialTokens(named, Id(named, "bos_token", tokens), EndsOf(folder, named, tokens));
    }

    // A token is its text, or an object that says more about it.
    private static string? Content(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Object when value.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String
            => content.GetString(),
        _ => null,
    };

    private static int? Id(List<KeyValuePair<string, string>> named, string name, TokenTable tokens)
    {
        var token = named.Find(pair => pair.Key == name).Value;
        return token is not null && tokens.TryGetId(token, out var id) ? id : null;
    }

    private static List<int> EndsOf(ModelFolder folder, List<KeyValuePair<string, string>> named, TokenTable tokens)
    {
        foreach (var file in (ReadOnlySpan<string>)["generation_config.json", "config.json"])
        {
            if (folder.TryRead(file) is not { ValueKind: JsonValueKind.Object } config
                || !config.TryGetProperty("eos_token_id", out var value) || value.ValueKind == JsonValueKind.Null)
                continue;
            var ids = new List<int>();
            foreach (var item in value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToArray() : [value])
            {
                if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt32(out var id) || id < 0)
                    throw new InvalidDataException($"{file}: eos_token_id {value.GetRawText()} is neither an id nor a list of ids.");
                ids.Add(id);
            }

            return ids;
        }

        return Id(named, "eos_token", tokens) is { } end ? [end] : [];
    }
}
