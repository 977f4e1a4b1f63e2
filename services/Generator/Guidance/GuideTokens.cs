using Parley.Generator.Guides.Vocabulary;
using Parley.TokenizerFormat;

namespace Parley.Generator.Guidance;

/// <summary>The bytes of a model's tokens, from the tokenizer's files of its package.</summary>
internal static class GuideTokens
{
    /// <summary>Reads them.</summary>
    /// <param name="folder">The package.</param>
    /// <param name="vocabularySize">Logits of a row; ids beyond it cannot be chosen.</param>
    /// <param name="eosTokenIds">Ids that end an answer.</param>
    /// <exception cref="InvalidDataException">The folder holds no tokenizer, or one that a guide cannot follow.</exception>
    public static TokenVocabulary Read(string folder, int vocabularySize, IReadOnlyCollection<uint> eosTokenIds)
    {
        var file = TokenizerFile.Load(new ModelFolder(folder));
        var table = new TokenTable(file, normalize: null);
        if (table.Plan.IsSpaced)
        {
            throw new InvalidDataException(
                $"{TokenizerFile.FileName} has no decoder: tokens are joined by spaces, and a token's text depends on its neighbours.");
        }

        var tokens = new byte[]?[vocabularySize];
        for (var id = 0; id < Math.Min(vocabularySize, table.Count); id++)
        {
            if (!table.IsSpecial(id) && table.Bytes(id) is { Length: > 0 } bytes)
                tokens[id] = bytes.ToArray();
        }

        // What is searched in normalized text may decode to another text than its own: to a guide it is none.
        foreach (var token in file.AddedTokens)
        {
            if (token.Normalized && file.Normalizer is not null && token.Id < vocabularySize)
                tokens[token.Id] = null;
        }

        int[] ends = [.. eosTokenIds.Where(id => id < vocabularySize).Select(id => (int)id)];
        var names = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var token in file.AddedTokens)
        {
            if (token.Special && token.Id < vocabularySize)
                names.TryAdd(token.Content, token.Id);
        }

        foreach (var end in ends)
        {
            tokens[end] = null;
            if (table.Token(end) is { } content)
                names.TryAdd(content, end);
        }

        return new TokenVocabulary(tokens, ends, new TokenNames(names));
    }
}
