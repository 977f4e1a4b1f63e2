namespace Parley.Tokenizer.Encoders;

/// <summary>A text that the model cannot be given, whatever the request.</summary>
internal sealed class UncoveredTextException : Exception
{
    /// <summary>A character that the model has no token for, where the model names none for such characters either.</summary>
    public UncoveredTextException(System.Text.Rune character)
        : base($"The model has no token for the character \"{character}\" (U+{character.Value:X4}), and none for unknown text "
            + "(model.unk_id).")
    {
    }

    /// <summary>A special token that comes out as itself even where it is encoded as plain text.</summary>
    public UncoveredTextException(string specialToken)
        : base($"The text holds the special token {specialToken}, which this model cannot tell from the same characters as text.")
    {
    }
}
