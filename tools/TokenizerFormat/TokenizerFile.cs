using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Parley.TokenizerFormat;

/// <summary>What a tokenizer.json, or a file in its place, says: vocabulary and merges in final form, stages as JSON.</summary>
internal sealed class TokenizerFile
{
    public const string FileName = "tokenizer.json";
    public const string SentencePieceFileName = "tokenizer.model";

    private const string TiktokenFiles = "*.tiktoken";

    /// <summary>SHA-256 of the file, lower-case hexadecimal.</summary>
    public required string Sha256 { get; init; }

    public required Dictionary<string, int> Vocabulary { get; init; }

    public required MergeTable Merges { get; init; }

    /// <summary>The scores of a Unigram model, which has no merges; null for BPE.</summary>
    public UnigramScores? Unigram { get; init; }

    public required ModelOptions Model { get; init; }

    public required IReadOnlyList<AddedToken> AddedTokens { get; init; }

    public required JsonSection? Normalizer { get; init; }

    public required JsonSection? PreTokenizer { get; init; }

    public required JsonSection? PostProcessor { get; init; }

    public required JsonSection? Decoder { get; init; }

    /// <summary>Reads the file of a model folder: tokenizer.json, else a tiktoken file, else tokenizer.model.</summary>
    /// <exception cref="InvalidDataException">All are missing, or one is broken or asks for something that is not supported.</exception>
    public static TokenizerFile Load(ModelFolder folder)
    {
        var path = Path.Combine(folder.Path, FileName);
        if (File.Exists(path))
            return Parse(ModelFolder.ReadTokenizer(path));
        var other = Directory.EnumerateFiles(folder.Path, TiktokenFiles).Order(StringComparer.Ordinal).FirstOrDefault()
            ?? Path.Combine(folder.Path, SentencePieceFileName);
        if (!File.Exists(other))
            throw new InvalidDataException($"{path} is missing, and so are {SentencePieceFileName} (SentencePiece or tiktoken) and "
                + $"{TiktokenFiles}: the folder holds no tokenizer, or its copying was cut short.");
        var bytes = ModelFolder.ReadTokenizer(other);
        var configuration = new TokenizerConfiguration(folder);
        return TiktokenReader.IsTiktoken(bytes)
            ? TiktokenReader.Read(Path.GetFileName(other), bytes, configuration)
            : SentencePieceReader.Read(bytes, configuration);
    }

    /// <summary>Reads the file from its bytes.</summary>
    public static TokenizerFile Parse(ReadOnlySpan<byte> bytes)
    {
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes));
        if (bytes.StartsWith(Encoding.UTF8.Preamble))
            bytes = bytes[Encoding.UTF8.Preamble.Length..];
        if (!Utf8.IsValid(bytes))
            throw new InvalidDataException($"{FileName} is not valid UTF-8.");
        try
        {
            return new TokenizerJsonReader(sha256).Read(bytes);
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"{FileName} is not valid JSON: {exception.Message}", exception);
        }
        catch (InvalidOperationException exception)
        {
            throw new InvalidDataException($"{FileName} holds a value of the wrong kind: {exception.Message}", exception);
        }
    }
}
