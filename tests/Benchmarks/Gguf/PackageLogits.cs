using Parley.Generator.Execution;
using Parley.Generator.Model;

namespace Parley.Benchmarks.Gguf;

/// <summary>The logits of a package over one text, in the Generator's own runner.</summary>
internal static class PackageLogits
{
    private const int BlockTokens = 32;

    /// <returns>Logits [ids, vocabulary].</returns>
    public static float[] Read(string folder, uint[] ids)
    {
        var package = ModelPackage.Open(folder);
        var blocks = (ids.Length + BlockTokens - 1) / BlockTokens;
        var options = new RunnerOptions
        {
            BlockTokens = BlockTokens,
            BlockCount = blocks,
            StepTokensMax = ids.Length,
            SequencesMax = 1,
            LogitRowsMax = ids.Length,
            ContextTokensMax = ids.Length,
        };
        using var runner = OnnxModelRunner.Create(package.ModelPath, package.Manifest, options);
        var batch = options.CreateBatch();
        batch.Clear(blocks);
        batch.Add(ids, 0, [.. Enumerable.Range(0, blocks)], ids.Length);
        return runner.Run(batch).ToArray();
    }

    /// <summary>Root mean square of the differences over that of the reference.</summary>
    public static double Error(float[] actual, float[] reference)
    {
        if (actual.Length != reference.Length)
            throw new InvalidDataException($"{actual.Length} logits are compared with {reference.Length}.");
        var (differences, squares) = (0.0, 0.0);
        for (var i = 0; i < actual.Length; i++)
        {
            differences += Math.Pow((double)actual[i] - reference[i], 2);
            squares += Math.Pow(reference[i], 2);
        }

        return Math.Sqrt(differences / squares);
    }
}
