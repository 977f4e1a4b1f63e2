namespace Parley.Generator.Execution;

/// <summary>
/// The model's own head for further tokens: guesses what follows a token whose successor is known, from the stream that the model has left
/// behind it. What it guesses is verified like any draft, so nothing of it reaches an answer. Used by the engine's thread only.
/// </summary>
internal interface IDrafter
{
    /// <summary>Runs over tokens, each with the one that follows it, and writes keys and values for their positions.</summary>
    /// <param name="batch">
    /// Its ids are the tokens that follow; lengths and blocks are those of the tokens whose streams are read. States are not read.
    /// </param>
    /// <param name="streams">
    /// For each token of the batch where its stream stands [tokens]: the token of the model's last step, or for
    /// <paramref name="goesOn"/> the row of logits of the drafter's last run.
    /// </param>
    /// <param name="goesOn">Streams are the drafter's own: it guesses behind what it has guessed.</param>
    /// <returns>The best id behind each row that wants logits, −1 where none is a number; valid until the next call.</returns>
    ReadOnlySpan<int> Guess(StepBatch batch, ReadOnlySpan<int> streams, bool goesOn);
}
