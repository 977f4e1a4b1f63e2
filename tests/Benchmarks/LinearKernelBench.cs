using System.Diagnostics;
using System.Globalization;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels.Linears;
using Parley.PackageFormat;

namespace Parley.Benchmarks;

/// <summary>
/// One linear of 1024 × 1024 on one thread, its weights in the second cache, by number of rows: what a format costs to compute. A run is
/// so short that the best of many is undisturbed on a machine that others use. <c>linear-kernel [rows,…] [format,…]</c>
/// </summary>
internal static unsafe class LinearKernelBench
{
    private const int Size = 1024;
    private static readonly int[] DefaultRows = [1, 4, 16, 512];

    /// <summary>Bits, group, and what the format has beside codes and scales.</summary>
    private static readonly string[] Formats =
    [
        "4-32-scale", "4-32-minima", "4-16-minima", "4-32-iq4", "8-32-scale", "8-32-minima", "8-16-scale", "4-128-minima", "8-128-scale",
    ];

    public static void Run(string[] settings)
    {
        int[] rows = settings.Length > 0 ? [.. settings[0].Split(',').Select(Number)] : DefaultRows;
        var formats = settings.Length > 1 ? settings[1].Split(',') : Formats;
        Console.WriteLine($"{QuantizedLinearKernel.Best.Name}, one thread, {Size} x {Size}; microseconds (GMAC/s), the best of many");
        Console.WriteLine($"| format | {string.Join(" | ", rows)} |");
        Console.WriteLine($"| --- |{string.Concat(rows.Select(_ => " --- |"))}");
        foreach (var format in formats)
        {
            var cells = rows.Select(count => (count, Seconds: Time(format, count)))
                .Select(cell => string.Create(CultureInfo.InvariantCulture,
                    $"{cell.Seconds * 1e6:0.0} ({(double)Size * Size * cell.count / cell.Seconds / 1e9:0})"));
            Console.WriteLine($"| {format} | {string.Join(" | ", cells)} |");
        }
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static double Time(string format, int rows)
    {
        var words = format.Split('-');
        var (bits, group, minima) = (Number(words[0]), Number(words[1]), words[2] == "minima");
        var random = new Random(1);
        using var codes = new AlignedBuffer((long)Size * Size * bits / 8);
        using var halves = new AlignedBuffer((long)Size * Size / group * (minima ? 2 : 1) * 2);
        using var input = new AlignedBuffer((long)rows * Size * sizeof(float));
        using var output = new AlignedBuffer((long)rows * Size * sizeof(float));
        random.NextBytes(codes.Span<byte>(Size * Size * bits / 8));
        halves.Span<Half>(Size * Size / group * (minima ? 2 : 1)).Fill((Half)0.001f);
        foreach (ref var x in input.Span<float>(rows * Size))
            x = random.NextSingle() - 0.5f;
        var step = new QuantizedLinearStep
        {
            Codes = (byte*)codes.Address,
            Halves = (ushort*)halves.Address,
            Input = (float*)input.Address,
            Output = (float*)output.Address,
            Rows = rows,
            Inputs = Size,
            Outputs = Size,
            Group = group,
            HasMinima = minima,
            Planes = bits / 4,
        };
        var levels = words[2] == "iq4" ? new LevelPlanes(LevelTable.Iq4) : null;
        step.Levels = levels is null ? null : levels.Address;
        QuantizedLinearPlan.Reserve(&step);
        var best = double.MaxValue;
        var until = Stopwatch.GetTimestamp() + (Stopwatch.Frequency * 3 / 2);
        for (var i = 0; i < 20 || Stopwatch.GetTimestamp() < until; i++)
        {
            var start = Stopwatch.GetTimestamp();
            QuantizedLinearKernel.Best.Run(&step);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        GC.KeepAlive(levels);
        return best;
    }
}
