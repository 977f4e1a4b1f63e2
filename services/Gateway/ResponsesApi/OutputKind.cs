namespace Parley.Gateway.ResponsesApi;

/// <summary>What an item of an answer is.</summary>
internal enum OutputKind
{
    /// <summary>Text for the reader.</summary>
    Message,

    /// <summary>What the model thought.</summary>
    Reasoning,

    /// <summary>A call of a function.</summary>
    Call,
}
