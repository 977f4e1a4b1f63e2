namespace Parley.Generator.Speculation;

/// <summary>Who guessed a draft.</summary>
internal enum DraftOrigin
{
    /// <summary>The sequence's own text.</summary>
    Text,

    /// <summary>A guide that leaves no choice.</summary>
    Guide,

    /// <summary>The model's own head for further tokens.</summary>
    Head,
}
