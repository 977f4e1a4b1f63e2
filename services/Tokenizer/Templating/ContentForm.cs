namespace Parley.Tokenizer.Templating;

/// <summary>What a template makes of the content of one role's messages.</summary>
/// <param name="ReadsText">A string's text is in the prompt.</param>
/// <param name="PartsRead">How many of two text parts are in the prompt, as text and not as the dump of a list.</param>
internal readonly record struct ContentForm(bool ReadsText, int PartsRead)
{
    /// <summary>Nothing is known, so content stays as it came.</summary>
    public static ContentForm Any { get; } = new(true, 2);
}
