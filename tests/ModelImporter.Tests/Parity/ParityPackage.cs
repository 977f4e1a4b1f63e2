using Parley.Generator.Execution;
using Parley.Generator.Model;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Tests.Parity;

/// <summary>A checkpoint as a package, in the Generator's runner.</summary>
internal sealed class ParityPackage : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ModelPackage _package;

    public ParityPackage(string source, string precision = "fp32", int? draftVocabulary = null, params IReadOnlyList<string> adapters)
    {
        Result = ModelImport.Run(new ImportOptions
        {
            Source = source,
            Destination = _folder.File("package"),
            Precision = precision,
            DraftVocabulary = draftVocabulary,
            Adapters = adapters,
        });
        _package = ModelPackage.Open(_folder.File("package"));
    }

    private ParityPackage(ModelPackage package)
    {
        _package = package;
        Result = null!;
    }

    /// <summary>A package that is there already.</summary>
    public static ParityPackage Of(string folder) => new(ModelPackage.Open(folder));

    public ImportResult Result { get; }

    public ModelShape Shape => _package.Shape;

    public OnnxModelRunner Open(RunnerOptions options) => Open(options, Shape);

    /// <summary>The same as if the manifest gave another shape.</summary>
    public OnnxModelRunner Open(RunnerOptions options, ModelShape shape) => OnnxModelRunner.Create(
        _package.ModelPath, _package.Manifest with { Shape = shape },
        options with { ContextTokensMax = Math.Min(options.ContextTokensMax, Shape.ContextTokensMax) });

    public static RunnerOptions Options(int blocks = 64, int context = 256) => new()
    {
        BlockTokens = 16,
        BlockCount = blocks,
        StateSlots = 12,
        StepTokensMax = 256,
        SequencesMax = 4,
        LogitRowsMax = 256,
        ContextTokensMax = context,
        Threads = 2,
    };

    /// <summary>The length that decides how a prompt's tokens turn, as the engine settles it.</summary>
    public int RotaryLength(int length) => Shape.Positions is not { } rule ? 0 : Math.Max(length, rule.Border);

    /// <summary>Logits of every token of some sequences, in steps of chunks of each.</summary>
    /// <returns>[sequence][position].</returns>
    public float[][][] Logits(OnnxModelRunner runner, IReadOnlyList<uint[]> sequences, int chunk)
    {
        var options = Options();
        var batch = options.CreateBatch();
        var rows = sequences.Select(_ => new List<float[]>()).ToArray();
        while (sequences.Select((ids, i) => ids.Length > rows[i].Count).Contains(true))
        {
            batch.Clear(options.BlocksPerSequenceMax);
            var owners = new List<int>();
            foreach (var (i, ids) in sequences.Index().Where(entry => entry.Item.Length > rows[entry.Index].Count))
            {
                var (past, count) = (rows[i].Count, Math.Min(chunk, ids.Length - rows[i].Count));
                int[] blocks = [.. Enumerable.Range(0, options.BlocksPerSequenceMax).Select(block => (sequences.Count * block) + i)];
                batch.Add(ids.AsSpan(past, count), past, blocks, count, rotaryLength: RotaryLength(ids.Length));
                batch.ContinueStates(i);
                owners.AddRange(Enumerable.Repeat(i, count));
            }

            var logits = runner.Run(batch);
            foreach (var (row, owner) in owners.Index())
                rows[owner].Add(logits.Slice(row * Shape.VocabularySize, Shape.VocabularySize).ToArray());
        }

        return [.. rows.Select(list => list.ToArray())];
    }

    public void Dispose() => _folder.Dispose();
}
