using System.Numerics.Tensors;

namespace Parley.Cli.Evaluation;

/// <summary>
/// Reads a text with several packages side by side, a few rows of logits of each at a time: memory does not grow with the text, and the
/// reference runs once however many packages are compared with it.
/// </summary>
internal static class ModelEvaluation
{
    /// <summary>Evaluates.</summary>
    /// <param name="plan">The text in windows.</param>
    /// <param name="packages">Package folders.</param>
    /// <param name="reference">The package whose distributions count as exact; null for perplexity alone.</param>
    /// <param name="threads">ONNX Runtime's threads; 0 is one per physical core.</param>
    /// <param name="advance">Told the number of scored ids after each step.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>One result per package, the reference's own first where there is one.</returns>
    /// <exception cref="InvalidDataException">A package is broken, or two have different vocabularies; or the text is too short.</exception>
    public static IReadOnlyList<EvaluationResult> Run(
        EvaluationPlan plan, IReadOnlyList<string> packages, string? reference, int threads, Action<int>? advance,
        CancellationToken cancellationToken)
    {
        if (plan.ScoredTokens == 0)
            throw new InvalidDataException($"The text has {plan.Tokens} ids; at least 2 are needed, since the first has no past.");
        var readers = new List<PackageReader>();
        try
        {
            foreach (var folder in reference is null ? packages : [reference, .. packages])
                readers.Add(new PackageReader(folder, plan.LongestWindow, threads));
            Check(plan, readers);
            var scores = readers.Select(_ => new PackageScore(plan.ScoredTokens, reference is not null)).ToArray();
            var scored = 0;
            foreach (var window in plan.Windows)
            {
                Read(window, readers, scores, scored, reference is not null, advance, cancellationToken);
                scored += window.ScoredTokens;
            }

            return [.. readers.Zip(scores, (reader, score) =>
                score.Result(reader.Package.Folder, reader.Package.Manifest.Precision))];
        }
        finally
        {
            foreach (var reader in readers)
                reader.Dispose();
        }
    }

    private static void Read(
        EvaluationWindow window, IReadOnlyList<PackageReader> readers, PackageScore[] scores, int scored, bool compared,
        Action<int>? advance, CancellationToken cancellationToken)
    {
        // The row of an id predicts the next one, so the last id is never read.
        var end = window.Ids.Length - 1;
        for (var past = 0; past < end; past += EvaluationPlan.StepTokens)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var count = Math.Min(EvaluationPlan.StepTokens, end - past);
            var rows = Math.Clamp(past + count - (window.FirstScored - 1), 0, count);
            var logits = readers.Select(reader => reader.Read(window, past, count, rows)).ToArray();
            var (firstId, position) = (past + count - rows + 1, scored);
            var width = readers[0].Package.Shape.VocabularySize;
            Parallel.For(0, rows, row => Score(
                logits, row * width, width, (int)window.Ids[firstId + row], scores, position + row, compared));
            scored += rows;
            advance?.Invoke(rows);
        }
    }

    private static void Score(
        ReadOnlyMemory<float>[] logits, int start, int width, int id, PackageScore[] scores, int position, bool compared)
    {
        var reference = logits[0].Span.Slice(start, width);
        var logSumOfReference = LogitRow.LogSumExp(reference);
        var bestOfReference = TensorPrimitives.IndexOfMax(reference);
        for (var model = 0; model < logits.Length; model++)
        {
            var values = logits[model].Span.Slice(start, width);
            var logSum = model == 0 ? logSumOfReference : LogitRow.LogSumExp(values);
            scores[model].Add(position, logSum - values[id]);
            if (!compared)
                continue;
            var divergence = LogitRow.Divergence(reference, logSumOfReference, values, logSum);
            scores[model].Compare(position, divergence, TensorPrimitives.IndexOfMax(values) == bestOfReference);
        }
    }

    private static void Check(EvaluationPlan plan, List<PackageReader> readers)
    {
        var first = readers[0].Package;
        foreach (var reader in readers)
        {
            var package = reader.Package;
            if (package.TokenizerSha256 != first.TokenizerSha256 || package.Shape.VocabularySize != first.Shape.VocabularySize)
                throw new InvalidDataException($"{package.Folder} has another tokenizer or vocabulary than {first.Folder}.");
        }

        var largest = plan.Windows.Max(window => window.Ids.Max());
        if (largest >= first.Shape.VocabularySize)
            throw new InvalidDataException($"The text holds the id {largest}; {first.Folder} has {first.Shape.VocabularySize} ids.");
    }
}
