using Parley.Generator.Execution;
using Parley.Generator.Execution.Cuda;

namespace Parley.Cli.Gpu;

/// <summary>
/// Whether a device computes what the CPU computes: logits by prompt length, decode steps, chunked against whole, batched against alone,
/// captured against eager, candidates against all logits, and one long prompt.
/// </summary>
/// <param name="options">Model and device.</param>
/// <param name="longTokens">Tokens of the long prompt.</param>
/// <param name="attentions">Attentions of the packages.</param>
internal sealed class GpuCheck(GpuOptions options, int longTokens, params IReadOnlyList<string> attentions)
{
    private const int Sequences = 8;
    private static readonly int[] PromptTokens = [1, 2, 17, 255, 256, 257, 600];

    private readonly GpuPackages _packages = new(options, longTokens + 64);
    private readonly List<CheckResult> _results = [];
    private string _name = "";
    private double _tolerance;

    /// <summary>Rounding of activations through all layers, as a share of the logits' norm.</summary>
    public static double Tolerance(string precision) => precision switch
    {
        "bf16" => 0.05,
        "fp16" or "int4-fp16" => 0.01,
        _ => 2e-5,
    };

    /// <summary>Compares.</summary>
    /// <param name="precisions">Precisions, one after the other.</param>
    /// <param name="progress">Takes all results so far, each time that some are new.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public IReadOnlyList<CheckResult> Run(
        IEnumerable<string> precisions, Action<IReadOnlyList<CheckResult>> progress, CancellationToken cancellationToken)
    {
        foreach (var precision in precisions)
        {
            using var host = Open(GpuPackages.Reference(precision), GpuPackages.Paged, cancellationToken);
            foreach (var attention in attentions.DefaultIfEmpty(GpuPackages.Paged))
            {
                (_tolerance, _name) = (Tolerance(_packages.OnDevice(precision)), _packages.OnDevice(precision));
                if (attention != GpuPackages.Paged)
                    _name += $" {attention}";
                Try(() => Compare(host, precision, attention, cancellationToken));
                progress(_results);
            }
        }

        return _results;
    }

    private void Compare(StepDriver host, string precision, string attention, CancellationToken cancellationToken)
    {
        using var device = Open(_packages.OnDevice(precision), attention, cancellationToken);
        var lengths = PromptTokens.Where(length => length + 8 <= Math.Min(host.ContextTokens, device.ContextTokens)).ToArray();
        CompareLogits(host, device, lengths);
        CompareDecode(host, device, lengths[^1]);
        CompareChunks(device, lengths[^1]);
        CompareBatch(device, lengths);
        CompareCandidates(device);
        var tokens = Math.Min(longTokens, Math.Min(host.ContextTokens, device.ContextTokens));
        var ids = Ids(device, tokens, 5);
        Add("long", tokens, host.Prefill(0, ids, host.StepTokens), device.Prefill(0, ids, device.StepTokens));
    }

    /// <summary>What fails is a result; what comes behind it may still be right.</summary>
    private void Try(Action compare)
    {
        try
        {
            compare();
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            _results.Add(new CheckResult(
                _name, $"failed: {exception.Message}", 0, double.MaxValue, double.MaxValue, _tolerance, Identical: false, Passed: false));
        }
    }

    private StepDriver Open(string precision, string attention, CancellationToken cancellationToken)
    {
        const int stepTokens = 1024;
        var settings = GpuPackages.Settings(Sequences, stepTokens, longTokens + 64, graphs: true);
        return new StepDriver(_packages.Open(precision, settings, cancellationToken, attention), Sequences, stepTokens, longTokens + 64);
    }

    private void CompareLogits(StepDriver host, StepDriver device, int[] lengths)
    {
        foreach (var length in lengths)
        {
            var ids = Ids(device, length, length);
            Add("logits", length, host.Prefill(0, ids, length), device.Prefill(0, ids, length));
        }
    }

    private void CompareDecode(StepDriver host, StepDriver device, int length)
    {
        var ids = Ids(device, length + 4, length);
        host.Prefill(0, ids.AsMemory(0, length), length);
        device.Prefill(0, ids.AsMemory(0, length), length);
        for (var past = length; past < ids.Length; past++)
        {
            var row = (0, (ReadOnlyMemory<uint>)ids.AsMemory(past, 1), past);
            Add("decode", past + 1, host.Run(true, row).Span, device.Run(true, row).Span);
        }
    }

    private void CompareChunks(StepDriver device, int length)
    {
        var ids = Ids(device, length, 3);
        var whole = device.Prefill(0, ids, length);
        foreach (var chunk in new[] { 1 + (length / 2), 97, 64 })
            Add($"chunks of {chunk}", length, whole, device.Prefill(1, ids, chunk));
    }

    /// <summary>
    /// Prompts alone and then together; their next tokens alone, together (captured), and with a chunk beside them (eager).
    /// </summary>
    private void CompareBatch(StepDriver device, int[] lengths)
    {
        var prompts = lengths.Where(length => length < 300).Select(length => Ids(device, length + 1, 40 + length)).ToArray();
        var alone = new List<float[]>();
        for (var i = 0; i < prompts.Length; i++)
        {
            device.Prefill(i, prompts[i].AsMemory(0, prompts[i].Length - 1), prompts[i].Length);
            alone.Add(device.Run(true, Last(prompts, i)).ToArray());
        }

        var rows = prompts.Select((_, i) => Last(prompts, i)).ToArray();
        var captured = device.Run(true, rows).ToArray();
        var beside = ((int, ReadOnlyMemory<uint>, int))(Sequences - 1, Ids(device, 5, 9), 0);
        var eager = device.Run(true, [.. rows, beside]).ToArray();
        var vocabulary = device.Runner.Shape.VocabularySize;
        for (var i = 0; i < prompts.Length; i++)
        {
            Add("batched", prompts[i].Length, alone[i], captured.AsSpan(i * vocabulary, vocabulary));
            Add(
                "eager", prompts[i].Length, captured.AsSpan(i * vocabulary, vocabulary),
                eager.AsSpan(i * vocabulary, vocabulary));
        }
    }

    private void CompareCandidates(StepDriver device)
    {
        if (device.Runner is not ICandidateRunner runner)
            return;
        device.Run(false, (0, Ids(device, 9, 4), 0));
        if (!runner.TryGetCandidates(0, out var best, out var ids))
            throw new InvalidDataException($"{_name}: the logits are not finite.");
        var logits = runner.LogitsOf(0);
        var (sorted, found) = (logits.ToArray(), new float[best.Length]);
        sorted.Sort();
        for (var i = 0; i < found.Length; i++)
            found[i] = logits[(int)ids[i]] == best[i] ? best[i] : float.NaN;
        Array.Reverse(sorted);
        Add("candidates", 9, sorted.AsSpan(0, best.Length), found);
    }

    private static (int Sequence, ReadOnlyMemory<uint> Ids, int Past) Last(uint[][] prompts, int i) =>
        (i, prompts[i].AsMemory(prompts[i].Length - 1), prompts[i].Length - 1);

    private void Add(string check, int tokens, ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        var comparison = LogitComparison.Of(expected, actual);
        _results.Add(new CheckResult(
            _name, check, tokens, Number(comparison.Relative), Number(comparison.Worst), _tolerance, expected.SequenceEqual(actual),
            comparison.IsWithin(_tolerance)));
    }

    /// <summary>JSON has no NaN.</summary>
    private static double Number(double value) => double.IsFinite(value) ? value : double.MaxValue;

    private static uint[] Ids(StepDriver device, int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (uint)random.Next(device.Runner.Shape.VocabularySize))];
    }
}
