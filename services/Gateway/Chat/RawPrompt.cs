namespace Parley.Gateway.Chat;

/// <summary>A prompt that its author has written whole, as a text or as ids; exactly one of the two is there.</summary>
/// <param name="Text">The text; special tokens in it are special tokens.</param>
/// <param name="Ids">The ids.</param>
/// <param name="AddSpecialTokens">A text gets what the tokenizer adds to one, such as bos.</param>
internal sealed record RawPrompt(string? Text, IReadOnlyList<uint>? Ids, bool AddSpecialTokens = true);
