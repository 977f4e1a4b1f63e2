namespace Parley.Gateway.Tokens;

/// <summary>What is told of tokens beside their ids.</summary>
internal enum TokenPieces
{
    None,

    /// <summary>The entries of the vocabulary, in a list of their own.</summary>
    Entries,

    /// <summary>Their texts, each with its id.</summary>
    Texts,
}
