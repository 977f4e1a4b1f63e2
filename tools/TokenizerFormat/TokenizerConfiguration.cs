using System.Globalization;
using System.Text.Json;

namespace Parley.TokenizerFormat;

/// <summary>What tokenizer_config.json says where there is no tokenizer.json: the class, its options, the added tokens.</summary>
internal sealed class TokenizerConfiguration
{
    private readonly JsonSection _root;

    public TokenizerConfiguration(ModelFolder folder)
    {
        var json = folder.TryRead(ModelFolder.TokenizerConfig) ?? JsonElement.Parse("{}");
        _root = new JsonSection(json, ModelFolder.TokenizerConfig);
        if (json.ValueKind != JsonValueKind.Object)
            throw _root.Fault("is not a JSON object");
        Class = _root.Text("tokenizer_class", "");
        if (Class.EndsWith("Fast", StringComparison.Ordinal))
            Class = Class[..^4];
    }

    /// <summary>The tokenizer's class without "Fast", or empty.</summary>
    public string Class { get; }

    /// <summary><c>chat_control_tokens</c>: besides special tokens what is text where users write it; null: the template says.</summary>
    public IReadOnlyList<string>? ChatControlTokens => !_root.Has("chat_control_tokens") ? null
        : [.. _root.Items("chat_control_tokens").Select(item => item.Element.ValueKind == JsonValueKind.String
            ? item.Element.GetString()! : throw item.Fault("is not a string"))];

    /// <summary>An option that is true or false.</summary>
    public bool Flag(string name, bool unset) => _root.Flag(name, unset);

    /// <summary>An option that is a number.</summary>
    public int Number(string name, int unset) => _root.Number(name, unset);

    /// <summary>An option that is a text.</summary>
    public string Text(string name, string unset) => _root.Text(name, unset);

    /// <summary>The text of a named special token, e.g. <c>bos_token</c>, or null.</summary>
    public string? Special(string name)
    {
        if (!_root.Has(name))
            return null;
        var value = _root.Section(name);
        return value.Element.ValueKind == JsonValueKind.String ? value.Element.GetString() : value.Text("content");
    }

    /// <summary>The tokens of <c>added_tokens_decoder</c>, by id.</summary>
    public IReadOnlyList<AddedToken> ReadAddedTokens()
    {
        var tokens = new SortedDictionary<int, AddedToken>();
        if (!_root.Has("added_tokens_decoder"))
            return [];
        var section = _root.Section("added_tokens_decoder");
        if (section.Element.ValueKind != JsonValueKind.Object)
            throw section.Fault("is not a JSON object");
        foreach (var property in section.Element.EnumerateObject())
        {
            var item = new JsonSection(property.Value, $"{section.Place}.{property.Name}");
            if (!int.TryParse(property.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var id) || id > TokenTable.IdMax)
                throw item.Fault("is not named by an id");
            var special = item.Flag("special", false);
            if (item.Text("content") is { Length: > 0 } content)
                tokens[id] = new AddedToken(id, content, special, item.Flag("single_word", false), item.Flag("lstrip", false),
                    item.Flag("rstrip", false), item.Flag("normalized", !special));
        }

        return [.. tokens.Values];
    }
}
