using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Parley.Gateway.V1;
using Parley.Generator.V1;
using Parley.Tokenizer.V1;

namespace Parley.Cli.Inspect;

/// <summary>Prints an inspected answer in the order of the steps: template → ids → pieces → answer ids → text.</summary>
internal static class ChatReport
{
    private const int IdsPerLine = 12;

    private static readonly JsonFormatter ProtoJson =
        new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true).WithPreserveProtoFieldNames(true));

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Writes for people.</summary>
    public static void Write(InspectResponse reply, string? modelFolder)
    {
        var output = Console.Out;
        Heading("1. Prompt template: the chat as one text");
        output.WriteLine(reply.Rendered);

        Heading($"2. Tokenization: {reply.Prompt.Count} token ids");
        WriteIds([.. reply.Prompt.Select(piece => piece.Id)]);
        output.WriteLine();
        output.WriteLine($"attention mask: {reply.Prompt.Count} × 1 (nothing is padded: sequences of a batch are packed, not filled up)");

        Heading("3. Every id and its piece");
        WritePieces(reply.Prompt);

        Heading("4. Generation: prompt and answer ids");
        WriteSampling(reply);
        WriteIds([.. reply.Prompt.Concat(reply.Answer).Select(piece => piece.Id)]);
        output.WriteLine();
        WritePieces(reply.Answer);
        WriteCandidates(reply);

        Heading("5. Detokenization: prompt and answer, special tokens skipped");
        output.WriteLine(Decode(reply.Prompt.Concat(reply.Answer)));

        Heading("The answer's text");
        output.WriteLine(reply.Text);
        output.WriteLine();
        WriteTimings(reply);
        if (modelFolder is not null)
            ModelReport.Write(modelFolder);
    }

    /// <summary>Writes for programs: the reply as protobuf JSON, and the model's report beside it.</summary>
    public static void WriteJson(InspectResponse reply, string? modelFolder)
    {
        var root = JsonNode.Parse(ProtoJson.Format(reply))!.AsObject();
        if (modelFolder is not null)
            root["model_folder"] = ModelReport.ToJson(modelFolder);
        Console.Out.WriteLine(root.ToJsonString(Indented));
    }

    internal static void Heading(string text)
    {
        Console.Out.WriteLine();
        Console.Out.WriteLine(text);
        Console.Out.WriteLine(new string('─', text.Length));
    }

    /// <summary>The text of the pieces' bytes: characters that are split over tokens come together again.</summary>
    private static string Decode(IEnumerable<TokenPiece> pieces) =>
        Encoding.UTF8.GetString([.. pieces.Where(piece => !piece.Special).SelectMany(piece => piece.Utf8)]);

    private static void WriteIds(uint[] ids)
    {
        for (var start = 0; start < ids.Length; start += IdsPerLine)
        {
            var line = ids.Skip(start).Take(IdsPerLine).Select(id => id.ToString(CultureInfo.InvariantCulture).PadLeft(6));
            Console.Out.WriteLine(string.Join(", ", line) + (start + IdsPerLine < ids.Length ? "," : ""));
        }
    }

    private static void WritePieces(IEnumerable<TokenPiece> pieces)
    {
        foreach (var piece in pieces)
            Console.Out.WriteLine($"{piece.Id,-7} ---------->  {Visible(piece)}");
    }

    /// <summary>Line breaks and leading spaces are what tokens are about, so they are shown.</summary>
    private static string Visible(TokenPiece piece)
    {
        var text = piece.Text.Replace("\n", "\\n", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal);
        return text.Contains('\uFFFD', StringComparison.Ordinal) ? $"{text}   (bytes {Convert.ToHexString(piece.Utf8.Span)})" : text;
    }

    private static void WriteSampling(InspectResponse reply)
    {
        var sampling = reply.Sampling;
        if (sampling is null)
            return;
        Console.Out.WriteLine(sampling is { HasTemperature: true, Temperature: 0 }
            ? "greedy: the most likely token at each step"
            : string.Create(CultureInfo.InvariantCulture,
                $"temperature {sampling.Temperature}, top-k {sampling.TopK}, top-p {sampling.TopP}, seed {reply.Seed}"));
    }

    private static void WriteCandidates(InspectResponse reply)
    {
        if (reply.Traces.Count == 0)
            return;
        Console.Out.WriteLine();
        Console.Out.WriteLine("Candidates of each step: logit, then probability after each stage");
        for (var i = 0; i < reply.Traces.Count && i < reply.Answer.Count; i++)
        {
            Console.Out.WriteLine($"step {i + 1}, taken {reply.Answer[i].Id} {Visible(reply.Answer[i])}");
            foreach (var candidate in reply.Traces[i].Candidates)
                WriteCandidate(candidate);
        }
    }

    private static void WriteCandidate(TraceCandidate candidate)
    {
        var stages = string.Join("  ", candidate.Stages.Select(stage =>
            string.Create(CultureInfo.InvariantCulture, $"{stage.Stage} {stage.Probability:0.0000}")));
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {candidate.Id,7}  {candidate.Logit,9:0.000}  {stages}"));
    }

    private static void WriteTimings(InspectResponse reply)
    {
        static string Ms(ulong nanoseconds) => (nanoseconds / 1e6).ToString("0.00", CultureInfo.InvariantCulture);
        var timings = reply.Timings;
        var usage = reply.Usage;
        Console.Out.WriteLine($"{usage.PromptTokens} prompt + {usage.CompletionTokens} answer tokens; finish reason {reply.Reason}");
        Console.Out.WriteLine($"ms: template {Ms(timings.TemplateNanoseconds)}, encode {Ms(timings.EncodeNanoseconds)}"
            + $", queue {Ms(timings.QueueNanoseconds)}, prefill {Ms(timings.PrefillNanoseconds)}"
            + $", decode {Ms(timings.DecodeNanoseconds)}, total {Ms(timings.TotalNanoseconds)}");
    }
}
