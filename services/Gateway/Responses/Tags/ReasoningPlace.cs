namespace Parley.Gateway.Responses.Tags;

/// <summary>Where an answer stands in its reasoning when it begins.</summary>
internal enum ReasoningPlace
{
    /// <summary>There is none, or the prompt has closed it.</summary>
    Over,

    /// <summary>The model may begin it.</summary>
    Ahead,

    /// <summary>The prompt has begun it.</summary>
    Open,
}
