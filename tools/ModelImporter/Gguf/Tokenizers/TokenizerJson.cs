using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Tokenizers;

/// <summary>Writes a tokenizer.json: what all kinds of vocabularies have in common.</summary>
internal static class TokenizerJson
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The file.</summary>
    /// <param name="vocabulary">Its control and user-defined tokens become added tokens.</param>
    /// <param name="addsBegin">Whether a text begins with a token of its own where the file does not say.</param>
    /// <param name="addsEnd">Whether it ends with one.</param>
    /// <param name="stages">normalizer, pre_tokenizer and decoder, in the file's words; null for none.</param>
    /// <param name="writeModel">Writes the members of <c>model</c>.</param>
    public static byte[] Write(
        GgufVocabulary vocabulary, bool addsBegin, bool addsEnd,
        (JsonNode? Normalizer, JsonNode? PreTokenizer, JsonNode? Decoder) stages, Action<Utf8JsonWriter> writeModel)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Options))
        {
            writer.WriteStartObject();
            writer.WriteString("version", "1.0");
            writer.WriteNull("truncation");
            writer.WriteNull("padding");
            WriteAdded(writer, vocabulary);
            WriteStage(writer, "normalizer", stages.Normalizer);
            WriteStage(writer, "pre_tokenizer", stages.PreTokenizer);
            WriteStage(writer, "post_processor", PostProcessor(vocabulary, addsBegin, addsEnd));
            WriteStage(writer, "decoder", stages.Decoder);
            writer.WriteStartObject("model");
            writeModel(writer);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <summary>Steps as one stage; null for none.</summary>
    public static JsonNode? Sequence(string name, IEnumerable<JsonNode> steps)
    {
        var list = new JsonArray([.. steps.Select(step => step.DeepClone())]);
        return list.Count switch
        {
            0 => null,
            1 => list[0]!.DeepClone(),
            _ => new JsonObject { ["type"] = "Sequence", [name] = list },
        };
    }

    /// <summary>Replaces a text by another wherever it stands.</summary>
    public static JsonObject Replace(string from, string to) => new()
    {
        ["type"] = "Replace",
        ["pattern"] = new JsonObject { ["String"] = from },
        ["content"] = to,
    };

    private static void WriteAdded(Utf8JsonWriter writer, GgufVocabulary vocabulary)
    {
        writer.WriteStartArray("added_tokens");
        for (var id = 0; id < vocabulary.Tokens.Count; id++)
        {
            var kind = vocabulary.Kinds[id];
            if (kind is not (GgufTokenKind.Control or GgufTokenKind.Unknown or GgufTokenKind.UserDefined)
                || vocabulary.Tokens[id].Length == 0)
                continue;
            writer.WriteStartObject();
            writer.WriteNumber("id", id);
            writer.WriteString("content", vocabulary.Tokens[id]);
            writer.WriteBoolean("single_word", false);
            writer.WriteBoolean("lstrip", false);
            writer.WriteBoolean("rstrip", false);
            writer.WriteBoolean("normalized", false);
            writer.WriteBoolean("special", kind != GgufTokenKind.UserDefined);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteStage(Utf8JsonWriter writer, string name, JsonNode? stage)
    {
        writer.WritePropertyName(name);
        if (stage is null)
            writer.WriteNullValue();
        else
            stage.WriteTo(writer);
    }

    private static JsonObject? PostProcessor(GgufVocabulary vocabulary, bool addsBegin, bool addsEnd)
    {
        var single = new JsonArray();
        var specials = new JsonObject();
        if (vocabulary.Begins(addsBegin))
            Add("bos");
        single.Add(new JsonObject { ["Sequence"] = new JsonObject { ["id"] = "A", ["type_id"] = 0 } });
        if (vocabulary.Flag("add_eos_token", addsEnd))
            Add("eos");
        return specials.Count == 0 ? null : new JsonObject
        {
            ["type"] = "TemplateProcessing",
            ["single"] = single,
            ["pair"] = new JsonArray(),
            ["special_tokens"] = specials,
        };

        void Add(string name)
        {
            if (vocabulary.Id(name) is not { } id)
                return;
            var token = vocabulary.Tokens[id];
            single.Add(new JsonObject { ["SpecialToken"] = new JsonObject { ["id"] = token, ["type_id"] = 0 } });
            specials[token] = new JsonObject { ["id"] = token, ["ids"] = new JsonArray(id), ["tokens"] = new JsonArray(token) };
        }
    }
}
