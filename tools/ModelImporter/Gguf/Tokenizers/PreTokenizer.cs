using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Gguf.Tokenizers;

/// <summary>What a byte-level tokenizer does with a text before it merges.</summary>
/// <param name="Steps">The steps, in the words of tokenizer.json.</param>
/// <param name="IgnoreMerges">Whether a piece that is a token is taken whole, whatever merging would make of it.</param>
/// <param name="AddsBegin">Whether a text begins with a token of its own where the file does not say.</param>
/// <param name="Composes">Whether the text is brought into Unicode's composed form (NFC) first.</param>
internal sealed record PreTokenizer(
    IReadOnlyList<JsonObject> Steps, bool IgnoreMerges = false, bool AddsBegin = false, bool Composes = false);
