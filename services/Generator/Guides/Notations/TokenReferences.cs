using System.Text;
using Parley.Generator.Guides.Grammars;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Notations;

/// <summary>Tokens that a grammar names: <c>&lt;[id]&gt;</c> by number, <c>&lt;content&gt;</c> by what they read.</summary>
/// <param name="vocabulary">The tokens.</param>
/// <param name="cursor">Where they are read.</param>
internal sealed class TokenReferences(TokenVocabulary vocabulary, GrammarCursor cursor)
{
    /// <summary>Reads a reference, which begins here; as a tree.</summary>
    public GrammarTree Read()
    {
        var (id, content) = Resolve();
        if (content is null || vocabulary.Names.TryGet(content, out _))
            return GrammarTree.Literal([TokenNames.FirstToken + id]);

        // A token that is text may be written by its bytes too.
        return GrammarTree.Literal([.. Encoding.UTF8.GetBytes(content).Select(one => (int)one)]);
    }

    /// <summary>Reads a reference behind an exclamation mark: any token that is text, but this one.</summary>
    public GrammarTree ReadOther() => GrammarTree.OtherToken([Resolve().Id]);

    private (int Id, string? Content) Resolve()
    {
        var start = cursor.At;
        cursor.Need("<", "a token");
        if (cursor.Take("["))
        {
            var number = cursor.TakeNumber() ?? throw cursor.Fault("a token needs its id here");
            cursor.Need("]>", "a token");
            return number < vocabulary.Tokens.Count
                ? (number, null)
                : throw cursor.Fault($"the model has no token {number}: its ids end at {vocabulary.Tokens.Count - 1}", start);
        }

        var end = cursor.Rest.IndexOfAny('>', '\n');
        if (end <= 0 || cursor.Rest[end] != '>')
            throw cursor.Fault("a token needs its closing '>'", start);
        cursor.At += end + 1;
        var content = cursor.From(start);
        if (vocabulary.Names.TryGet(content, out var id) || TryFind(Encoding.UTF8.GetBytes(content), out id))
            return (id, content);
        throw cursor.Fault($"the model has no token {(content.Length > 100 ? content[..100] + "…" : content)}", start);
    }

    private bool TryFind(ReadOnlySpan<byte> text, out int id)
    {
        var trie = vocabulary.Trie;
        var (node, end, depth) = (0, trie.Count, 0);
        while (node < end)
        {
            if (trie.Bytes[node] != text[depth])
            {
                node = trie.Ends[node];
                continue;
            }

            if (++depth == text.Length)
            {
                id = trie.FirstEntries[node] < trie.FirstEntries[node + 1] ? trie.Entries[trie.FirstEntries[node]] : -1;
                return id >= 0;
            }

            (end, node) = (trie.Ends[node], node + 1);
        }

        id = -1;
        return false;
    }
}
