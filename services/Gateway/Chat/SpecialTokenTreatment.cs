namespace Parley.Gateway.Chat;

/// <summary>What a special token that stands inside a message's content means.</summary>
internal enum SpecialTokenTreatment
{
    /// <summary>What the Tokenizer's options say.</summary>
    ServiceDefault,

    /// <summary>Text like any other: a user cannot forge a turn.</summary>
    Text,

    /// <summary>The special token.</summary>
    Parse,

    /// <summary>The request is refused.</summary>
    Reject,
}
