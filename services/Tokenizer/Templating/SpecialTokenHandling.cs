namespace Parley.Tokenizer.Templating;

/// <summary>What a special token inside text that a user supplied means.</summary>
internal enum SpecialTokenHandling
{
    /// <summary>It is text.</summary>
    Text,

    /// <summary>It is the special token, as Hugging Face does.</summary>
    Parse,

    /// <summary>The request is refused.</summary>
    Reject,
}
