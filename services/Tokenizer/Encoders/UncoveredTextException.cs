namespace Parley.Tokenizer.Encoders;

/// <summary>A text with a character that the model has no token for, where the model names none for such characters either.</summary>
internal sealed class UncoveredTextException(System.Text.Rune character) : Exception(
    $"The model has no token for the character \"{character}\" (U+{character.Value:X4}), and none for unknown text (model.unk_id).");
