using System.Globalization;
using System.Text.Json;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.Ollama;

/// <summary>What is known of the served model, under Ollama's names.</summary>
internal static class ModelFacts
{
    /// <summary>Digits of a digest that is none of a whole file.</summary>
    private const int DigestCharacters = 64;

    /// <summary>Bytes of the weights, by their number and precision: the package's own size is not told here.</summary>
    public static long Bytes(GeneratorDescription model) => (long)(model.Parameters * BitsOf(model.Precision) / 8);

    /// <summary>A count of parameters as people say it: <c>1.2B</c>, <c>134.52M</c>.</summary>
    public static string SizeText(ulong parameters) => parameters switch
    {
        >= 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{parameters / 1e9:0.#}B"),
        >= 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{parameters / 1e6:0.##}M"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{parameters / 1e3:0.##}K"),
    };

    public static string Digest(GeneratorDescription model) => model.PackageSha256.PadRight(DigestCharacters, '0');

    public static void WriteDetails(Utf8JsonWriter json, GeneratorDescription model)
    {
        json.WriteStartObject("details");
        json.WriteString("parent_model", "");
        json.WriteString("format", "onnx");
        json.WriteString("family", model.Architecture);
        json.WriteStartArray("families");
        json.WriteStringValue(model.Architecture);
        json.WriteEndArray();
        json.WriteString("parameter_size", SizeText(model.Parameters));
        json.WriteString("quantization_level", model.Precision.ToUpperInvariant());
        json.WriteNumber("context_length", model.ContextTokensMax);
        json.WriteEndObject();
    }

    /// <summary>What can be asked of it.</summary>
    public static void WriteCapabilities(Utf8JsonWriter json, UpstreamPair pair)
    {
        json.WriteStartArray("capabilities");
        json.WriteStringValue("completion");
        if (pair.Tokenizer.ReadsTools(""))
            json.WriteStringValue("tools");
        if (pair.Format?.Reasoning is not null)
            json.WriteStringValue("thinking");
        json.WriteEndArray();
    }

    /// <summary>The sampling that unset options mean, a line each as in a Modelfile.</summary>
    public static string Parameters(GeneratorDescription model)
    {
        var sampling = model.DefaultSampling;
        var lines = new List<string>();
        Add("temperature", sampling.Temperature ?? 0);
        Add("top_k", sampling.TopK);
        Add("top_p", sampling.TopP);
        Add("min_p", sampling.MinP);
        Add("typical_p", sampling.TypicalP);
        Add("repeat_penalty", sampling.RepetitionPenalty);
        Add("presence_penalty", sampling.PresencePenalty);
        Add("frequency_penalty", sampling.FrequencyPenalty);
        foreach (var stop in model.DefaultStopStrings)
            lines.Add($"{"stop",-30} {JsonSerializer.Serialize(stop, ContextJson.Default.String)}");
        return string.Join('\n', lines);

        void Add(string name, float? value)
        {
            if (value is { } number)
                lines.Add(string.Create(CultureInfo.InvariantCulture, $"{name,-30} {number}"));
        }
    }

    private static double BitsOf(string precision) => precision switch
    {
        "fp32" => 32,
        "fp16" or "bf16" => 16,
        "int4" => 4,
        _ => 8,
    };
}
