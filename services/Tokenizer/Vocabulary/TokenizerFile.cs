using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Parley.Tokenizer.Encoders;

namespace Parley.Tokenizer.Vocabulary;

/// <summary>What a tokenizer.json says: vocabulary and merges in final form, stages as JSON with their places.</summary>
internal sealed class TokenizerFile
{
    public const string FileName = "tokenizer.json";

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

    /// <summary>Reads the file of a model folder.</summary>
    /// <exception cref="InvalidDataException">The file is missing or broken, or asks for something that is not supported.</exception>
    public static TokenizerFile Load(string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
            throw new InvalidDataException($"{path} is missing: the folder is no Hugging Face model with a fast tokenizer.");
        return Parse(File.ReadAllBytes(path));
    }

    /// <summary>Reads the file from its bytes.</summary>
    public static TokenizerFile Parse(ReadOnlySpan<byte> bytes)
    {
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(bytes));
        if (bytes.StartsWith(Encoding.UTF8.Preamble))
            bytes = bytes[Encoding.UTF8.Preamble.Length..];
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
