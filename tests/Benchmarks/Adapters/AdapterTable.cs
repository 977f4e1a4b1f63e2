using System.Diagnostics;
using System.Globalization;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels.Adapters;
using Parley.Generator.Model;
using Parley.PackageFormat;

namespace Parley.Benchmarks.Adapters;

/// <summary>
/// What adapters cost beside their base: steps of one runner without and with them, by turns, so that both meet the machine as it is.
/// </summary>
internal sealed class AdapterTable : IDisposable
{
    private const int Past = 128;
    private const int PromptTokens = 512;
    private const int WarmUps = 2;

    private static readonly string[] Attention = ["q", "v"];
    private static readonly string[] All = ["q", "k", "v", "attention_output", "gate", "up", "down"];

    private readonly ModelPackage _package;
    private readonly OnnxModelRunner _runner;
    private readonly RunnerOptions _options;
    private readonly StepBatch _batch;
    private readonly uint[] _ids;
    private readonly int _turns;

    private AdapterTable(string folder, int turns)
    {
        _turns = turns;
        _package = ModelPackage.Open(folder);
        _options = new RunnerOptions
        {
            BlockCount = 16 * ((PromptTokens / 32) + 1),
            StepTokensMax = PromptTokens,
            SequencesMax = 16,
            LogitRowsMax = 16,
            ContextTokensMax = PromptTokens,
            CachePrecision = Generator.Execution.Kernels.KvCachePrecision.Fp16,
        };
        _runner = OnnxModelRunner.Create(_package.ModelPath, _package.Manifest, _options);
        _batch = _options.CreateBatch();
        var random = new Random(1);
        _ids = [.. Enumerable.Range(0, PromptTokens).Select(_ => (uint)random.Next(_package.Shape.VocabularySize))];
    }

    /// <summary>Prints the table.</summary>
    /// <param name="arguments">The folder of a package, and the number of turns.</param>
    public static void Print(string[] arguments)
    {
        using var table = new AdapterTable(
            arguments[0], arguments.Length > 1 ? int.Parse(arguments[1], CultureInfo.InvariantCulture) : 8);
        Console.WriteLine($"{table._package.Manifest.Name}, {table._package.Manifest.Precision}, {table._runner.Device}");
        Console.WriteLine(
            "| Step | Adapters | Rank | Linears | Bits | MB each | Base, ms | With, ms | More, of pairs | More, of the least |");
        Console.WriteLine("| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |");
        table.Print("16 streams", 16, 8, 16, All, isNarrow: true);
        table.Print("16 streams", 16, 8, 16, All, isNarrow: false);
        table.Print("16 streams", 16, 8, 16, Attention, isNarrow: true);
        table.Print("16 streams", 16, 8, 16, Attention, isNarrow: false);
        table.Print("16 streams", 16, 1, 16, All, isNarrow: true);
        table.Print("16 streams", 16, 16, 16, All, isNarrow: true);
        table.Print("16 streams", 16, 8, 64, All, isNarrow: true);
        table.Print("1 stream", 1, 1, 16, All, isNarrow: true);
        if (arguments is [_, _, "prompts"])
            table.Print($"prompt of {PromptTokens}", 0, 1, 16, All, isNarrow: true);
    }

    public void Dispose() => _runner.Dispose();

    private void Print(string name, int streams, int count, int rank, string[] targets, bool isNarrow)
    {
        var adapters = Enumerable.Range(0, count).Select(seed => Make(rank, targets, isNarrow, seed)).ToArray();
        var (bases, withs) = (new List<double>(), new List<double>());
        for (var turn = -WarmUps; turn < _turns; turn++)
        {
            var plain = Run(streams, []);
            var with = Run(streams, adapters);
            if (turn < 0)
                continue;
            bases.Add(plain);
            withs.Add(with);
        }

        // Neighbours meet the same machine; the least of each met it undisturbed.
        var more = Median([.. bases.Zip(withs, (plain, with) => with / plain)]);
        var least = withs.Min() / bases.Min();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| {name} | {count} | {rank} | {(targets == All ? "all" : "q, v")} | {(isNarrow ? 16 : 32)} | {adapters[0].Bytes / 1e6:F1} | ")
            + string.Create(CultureInfo.InvariantCulture,
                $"{Median(bases):F1} | {Median(withs):F1} | {100 * (more - 1):F1} % | {100 * (least - 1):F1} % |"));
        foreach (var adapter in adapters)
            adapter.Dispose();
    }

    /// <summary>Milliseconds of a step.</summary>
    private double Run(int streams, AdapterWeights[] adapters)
    {
        _batch.Clear(_options.BlocksPerSequenceMax);
        if (streams == 0)
        {
            Add(0, _ids, 0);
            _batch.SetAdapter(adapters.FirstOrDefault());
        }

        for (var stream = 0; stream < streams; stream++)
        {
            Add(stream, _ids.AsSpan(stream, 1), Past);
            _batch.SetAdapter(adapters.Length == 0 ? null : adapters[stream % adapters.Length]);
        }

        var started = Stopwatch.GetTimestamp();
        _runner.Run(_batch);
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds;

        void Add(int stream, ReadOnlySpan<uint> ids, int past)
        {
            var blocks = _options.BlocksPerSequenceMax;
            _batch.Add(ids, past, [.. Enumerable.Range(stream * blocks, blocks)], logitRows: 1, logitBest: 1);
        }
    }

    private AdapterWeights Make(int rank, string[] targets, bool isNarrow, int seed)
    {
        var layouts = _runner.Adapted.All.Select(linear => (Linear: linear, Parts: PartsOf(linear, rank, targets)))
            .Where(entry => entry.Parts.Count > 0)
            .Select(entry => new AdapterLayout(entry.Linear, entry.Parts, isNarrow)).ToList();
        var weights = new AdapterWeights(_runner.Adapted.All.Count, layouts.Sum(layout => layout.Bytes));
        var random = new Random(seed);
        foreach (var layout in layouts)
        {
            layout.Begin(weights);
            foreach (var (index, part) in layout.Parts.Index())
            {
                layout.WriteDown(weights, index, Numbers(random, part.Rank * layout.Linear.Inputs));
                layout.WriteUp(weights, index, Numbers(random, part.Rank * part.Outputs));
            }
        }

        return weights;
    }

    private List<AdapterPart> PartsOf(AdaptedLinear linear, int rank, string[] targets)
    {
        var shape = _package.Shape;
        var (query, keyValue) = (shape.QueryHeads * shape.HeadSize, shape.KeyValueHeads * shape.HeadSize);
        (string Name, int Outputs)[] parts = linear.Name[(linear.Name.LastIndexOf('.') + 1)..] switch
        {
            "qkv" => [("q", query), ("k", keyValue), ("v", keyValue)],
            "gate_up" => [("gate", linear.Outputs / 2), ("up", linear.Outputs / 2)],
            var one => [(one, linear.Outputs)],
        };
        var (made, output) = (new List<AdapterPart>(), 0);
        foreach (var (name, outputs) in parts)
        {
            if (targets.Contains(name))
                made.Add(new AdapterPart(output, outputs, rank, 0, 0));
            output += outputs;
        }

        return made;
    }

    private static float[] Numbers(Random random, int count)
    {
        var numbers = new float[count];
        for (var i = 0; i < count; i++)
            numbers[i] = 0.01f * (random.NextSingle() - 0.5f);
        return numbers;
    }

    private static double Median(List<double> values)
    {
        var sorted = values.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }
}
