using System.Text;
using System.Text.Json;
using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Templating;
using Parley.TokenizerFormat;

namespace Parley.Cli.Evaluation;

/// <summary>A text as ids, and what the model's tokenizer puts before any text.</summary>
/// <param name="Ids">Ids of the text itself; marks of the chat template in it are text.</param>
/// <param name="Prefix">What the post-processor adds in front, e.g. the begin-of-text token.</param>
internal sealed record EvaluationText(uint[] Ids, uint[] Prefix)
{
    private const long BytesMax = 64 << 20;

    /// <summary>Encodes files, one after the other with an empty line between.</summary>
    /// <param name="folder">A folder with a tokenizer.</param>
    /// <param name="files">Text files in UTF-8.</param>
    /// <param name="tokensMax">How many ids are kept; 0 keeps all.</param>
    /// <exception cref="UserErrorException">A file does not exist, is too long or no UTF-8.</exception>
    public static EvaluationText Encode(string folder, IEnumerable<string> files, int tokensMax)
    {
        var tokenizer = new HuggingFaceTokenizer(TokenizerFile.Load(new ModelFolder(folder)));
        var text = string.Join("\n\n", files.Select(Read));
        var (ids, prefix) = (new List<int>(), new List<int>());
        tokenizer.Encode(text, UserRanges.None, addSpecialTokens: false, ids);
        tokenizer.Encode("", UserRanges.None, addSpecialTokens: true, prefix);
        return Create(ids, prefix, tokensMax);
    }

    /// <summary>Reads ids: numbers with commas, spaces or brackets between.</summary>
    /// <exception cref="UserErrorException">The file does not exist, or holds something else.</exception>
    public static EvaluationText FromIds(string file, int tokensMax)
    {
        var text = Read(file).Trim();
        try
        {
            return Create(JsonSerializer.Deserialize<int[]>(text) ?? [], [], tokensMax);
        }
        catch (JsonException exception)
        {
            throw new UserErrorException($"--ids: {file} is no JSON list of token ids: {exception.Message}");
        }
    }

    private static EvaluationText Create(IReadOnlyList<int> ids, IReadOnlyList<int> prefix, int tokensMax)
    {
        if (ids.Any(id => id < 0))
            throw new UserErrorException("A token id is negative.");
        var kept = tokensMax > 0 ? ids.Take(tokensMax) : ids;
        return new EvaluationText([.. kept.Select(id => (uint)id)], [.. prefix.Select(id => (uint)id)]);
    }

    private static string Read(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
            throw new UserErrorException($"The file {file.FullName} does not exist.");
        if (file.Length > BytesMax)
            throw new UserErrorException($"{file.FullName} has {file.Length} bytes; at most {BytesMax} are read.");
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(path)).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException exception)
        {
            throw new UserErrorException($"{file.FullName} is not UTF-8: {exception.Message}");
        }
    }
}
