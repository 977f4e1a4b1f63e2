using System.Text.Json;

namespace Parley.TokenizerFormat;

/// <summary>Reads the vocabulary of a Unigram model in tokenizer.json: <c>[["token", score], …]</c>, ids by position.</summary>
internal static class UnigramReader
{
    /// <summary>Reads the list; of a token listed twice the later id holds, as in the reference.</summary>
    /// <param name="reader">Stands at the list's start; then at its end.</param>
    /// <param name="scores">Receives the score of each id.</param>
    public static Dictionary<string, int> ReadVocabulary(ref Utf8JsonReader reader, List<double> scores)
    {
        var vocabulary = new Dictionary<string, int>(1 << 15, StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var place = $"{TokenizerFile.FileName}: model.vocab[{scores.Count}]";
            if (reader.TokenType != JsonTokenType.StartArray || !reader.Read() || reader.TokenType != JsonTokenType.String)
                throw new InvalidDataException($"{place} is not a token with its score.");
            var token = reader.GetString()!;
            if (!reader.Read() || reader.TokenType != JsonTokenType.Number || !reader.TryGetDouble(out var score)
                || !double.IsFinite(score) || !reader.Read() || reader.TokenType != JsonTokenType.EndArray)
                throw new InvalidDataException($"{place} (\"{token}\") is not a token with its score.");
            vocabulary[token] = scores.Count;
            scores.Add(score);
        }

        return vocabulary;
    }

    /// <summary>Checks the model's options.</summary>
    public static UnigramScores ReadOptions(JsonSection model, IReadOnlyList<double> scores)
    {
        model.AllowOnly("unk_id", "byte_fallback");
        var unknownId = model.Number("unk_id", -1);
        if (model.Has("unk_id") && (unknownId < 0 || unknownId >= scores.Count))
            throw model.Fault($"unk_id is not an id of the vocabulary, whose ids are below {scores.Count}");
        return new UnigramScores([.. scores], unknownId);
    }
}
