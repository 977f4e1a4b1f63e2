namespace Parley.Gateway.Chat;

/// <summary>Why a choice ended.</summary>
internal enum ChatFinishReason
{
    /// <summary>An eos id, a stop id or a stop string.</summary>
    Stop,

    /// <summary>The token limit or the end of the context.</summary>
    Length,

    /// <summary>The model calls tools.</summary>
    ToolCalls,
}
