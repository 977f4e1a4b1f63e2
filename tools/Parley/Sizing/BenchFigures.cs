using System.Text.Json;

namespace Parley.Cli.Sizing;

/// <summary>How fast a machine was, out of what <c>parley bench engine --json</c> wrote.</summary>
internal static class BenchFigures
{
    /// <summary>Reads the decode step of most sequences, up to those that run at once, and the prefill nearest in length.</summary>
    /// <param name="path">The file.</param>
    /// <param name="sequences">Sequences of one replica.</param>
    /// <param name="promptTokens">Length of a prompt.</param>
    /// <returns>Tokens per second of answers and of prompts.</returns>
    /// <exception cref="UserErrorException">The file is no such report, or has no such steps.</exception>
    public static (double Decode, double Prompt) Read(string path, int sequences, int promptTokens)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            var steps = document.RootElement.GetProperty("steps").EnumerateArray().Select(step => (
                Kind: step.GetProperty("kind").GetString(), Sequences: step.GetProperty("sequences").GetInt32(),
                Tokens: step.GetProperty("tokens").GetInt32(), Speed: step.GetProperty("tokens_per_second").GetDouble())).ToList();
            var decode = steps.Where(step => step.Kind == "decode" && step.Sequences <= sequences).ToList();
            var prefill = steps.Where(step => step.Kind == "prefill").ToList();
            if (decode.Count == 0 || prefill.Count == 0)
                throw new UserErrorException($"--bench: {path} has no decode step of up to {sequences} sequences, or no prefill step.");
            return (decode.MaxBy(step => step.Sequences).Speed, prefill.MinBy(step => Math.Abs(step.Tokens - promptTokens)).Speed);
        }
        catch (Exception exception)
            when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new UserErrorException($"--bench: {path} is no report of 'parley bench engine --json': {exception.Message}");
        }
    }
}
