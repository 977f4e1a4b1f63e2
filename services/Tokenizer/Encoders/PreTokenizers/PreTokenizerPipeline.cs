namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>The pre-tokenizer as a list of steps, and in which form its pieces reach the model.</summary>
/// <param name="Steps">The steps in order.</param>
/// <param name="EndsInBytes">The last step of the file is byte level: the model reads the bytes of each piece's characters.</param>
internal sealed record PreTokenizerPipeline(IReadOnlyList<PreTokenizerStep> Steps, bool EndsInBytes)
{
    public static PreTokenizerPipeline Empty { get; } = new([], EndsInBytes: false);

    /// <summary>Cuts one piece; the result is in <paramref name="pieces"/>, and <paramref name="spare"/> is overwritten.</summary>
    public void Apply(in TextPiece whole, ref List<TextPiece> pieces, ref List<TextPiece> spare)
    {
        pieces.Clear();
        if (whole.Length == 0)
            return;
        if (Steps.Count == 0)
        {
            pieces.Add(whole);
            return;
        }

        Steps[0].Apply(whole, pieces);
        for (var i = 1; i < Steps.Count; i++)
        {
            spare.Clear();
            foreach (var piece in pieces)
                Steps[i].Apply(piece, spare);
            (pieces, spare) = (spare, pieces);
        }
    }
}
