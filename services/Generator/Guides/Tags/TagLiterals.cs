using System.Text;
using System.Text.Json;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Tags;

/// <summary>The literals of a structural tag as bytes and tokens.</summary>
internal sealed class TagLiterals(TokenVocabulary vocabulary)
{
    /// <summary>A text: tokens that are no text where their content stands, bytes elsewhere.</summary>
    public int[] Of(string text) => vocabulary.Names.Symbols(text);

    /// <summary>A text, or a format of the type <c>token</c>.</summary>
    public int[] OfTextOrToken(TagFields fields, JsonElement value, string place)
    {
        if (value.ValueKind != JsonValueKind.Object)
            return Of(fields.TextOf(value, place, mayBeEmpty: true));
        var token = new TagFields(value, $"{fields.Path}/{place}");
        if (token.Type != "token")
            throw token.Fault("type", "must be 'token', or the whole a text");
        var symbols = OfToken(token, token.Need("token"), "token");
        token.Finish();
        return symbols;
    }

    /// <summary>A token by its id or content. One that is text is that very token by its id, and its bytes by its content.</summary>
    public int[] OfToken(TagFields fields, JsonElement value, string place)
    {
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var id) && id >= 0 && id < vocabulary.Tokens.Count)
            return [TokenNames.FirstToken + id];
        if (value.ValueKind == JsonValueKind.String)
        {
            var text = fields.TextOf(value, place, mayBeEmpty: false);
            if (vocabulary.Names.TryGet(text, out id))
                return [TokenNames.FirstToken + id];
            if (Find(text) >= 0)
                return Of(text);
        }

        throw fields.Fault(place, $"must be an id below {vocabulary.Tokens.Count}, or the content of a token");
    }

    /// <summary>The ids of a list of tokens.</summary>
    public int[] Ids(TagFields fields, string field) => [.. fields.Items(field, 0).Select(item => Id(fields, item.Value, item.Field))];

    private int Id(TagFields fields, JsonElement value, string place)
    {
        var symbols = OfToken(fields, value, place);
        return symbols is [>= TokenNames.FirstToken and var token] ? token - TokenNames.FirstToken
            : Find(fields.TextOf(value, place, mayBeEmpty: false));
    }

    private int Find(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        foreach (var id in vocabulary.Trie.Entries)
        {
            if (vocabulary.Tokens[id].AsSpan().SequenceEqual(bytes))
                return id;
        }

        return -1;
    }
}
