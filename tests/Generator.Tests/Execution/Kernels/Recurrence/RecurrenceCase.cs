using System.Runtime.InteropServices;
using Parley.Generator.Execution.Kernels.Recurrence;

namespace Parley.Generator.Tests.Execution.Kernels.Recurrence;

/// <summary>
/// Random rows of one sequence after another for a recurrent kernel, slots whose numbers are NaN until something is kept there, and a plain
/// answer in double precision for every row.
/// </summary>
internal abstract unsafe class RecurrenceCase : IDisposable
{
    private const int Slots = 48;

    private readonly List<IntPtr> _allocations = [];

    protected RecurrenceCase(int rowCount, int inputs, int outputs, int slotFloats, int seed)
    {
        (RowCount, InputWidth, OutputWidth, SlotFloats) = (rowCount, inputs, outputs, slotFloats);
        Random = new Random(seed);
        Rows = [.. Enumerable.Range(0, rowCount * inputs).Select(_ => (float)((Random.NextDouble() * 4) - 2))];
        States = Allocate(Slots * slotFloats);
        new Span<float>(States, Slots * slotFloats).Fill(float.NaN);
    }

    public int RowCount { get; }

    public float[] Rows { get; }

    public int OutputWidth { get; }

    protected int InputWidth { get; }

    protected int SlotFloats { get; }

    protected Random Random { get; }

    protected float* States { get; }

    /// <summary>The numbers of a slot.</summary>
    public float[] State(int slot) => new Span<float>(States + ((long)slot * SlotFloats), SlotFloats).ToArray();

    /// <summary>Runs rows of the case as one step, some sequences beside each other.</summary>
    /// <param name="kernel">Name of the vectors.</param>
    /// <param name="parts">First row, count and slot of the state of each sequence, −1 for none.</param>
    /// <param name="stateOut">The slot of each row of the step, −1 for none.</param>
    /// <returns>The results [rows of the step, width].</returns>
    public float[] Run(string kernel, IReadOnlyList<(int First, int Count, int StateIn)> parts, int[] stateOut)
    {
        var count = parts.Sum(part => part.Count);
        var input = Copy(Gather(parts));
        var output = Allocate(count * OutputWidth);
        new Span<float>(output, count * OutputWidth).Fill(float.NaN);
        var cumulative = new int[parts.Count + 1];
        for (var i = 0; i < parts.Count; i++)
            cumulative[i + 1] = cumulative[i] + parts[i].Count;
        fixed (int* lengths = cumulative, given = parts.Select(part => part.StateIn).ToArray(), kept = stateOut)
        {
            var rows = new RecurrentStep
            {
                CumulativeLengths = lengths,
                StateIn = given,
                StateOut = kept,
                States = States,
                StateElements = SlotFloats,
                SlotCount = Slots,
                SequenceCount = parts.Count,
                RowCount = count,
            };
            Run(kernel, rows, input, output);
        }

        return new Span<float>(output, count * OutputWidth).ToArray();
    }

    /// <summary>The same for the whole sequence in chunks, the state going through slots that take turns.</summary>
    public float[] RunInChunks(string kernel, int chunk)
    {
        var results = new List<float>();
        for (var (first, slot) = (0, -1); first < RowCount; first += chunk)
        {
            var count = Math.Min(chunk, RowCount - first);
            var kept = Enumerable.Repeat(-1, count).ToArray();
            // Sometimes in place, sometimes elsewhere.
            var next = slot >= 0 && first % 3 == 0 ? slot : (first / chunk) % Slots;
            kept[^1] = next;
            results.AddRange(Run(kernel, [(first, count, slot)], kept));
            slot = next;
        }

        return [.. results];
    }

    /// <summary>The answer for all rows, in double precision.</summary>
    public abstract double[] Expected();

    public void Dispose()
    {
        foreach (var allocation in _allocations)
            NativeMemory.AlignedFree((void*)allocation);
        GC.SuppressFinalize(this);
    }

    protected abstract void Run(string kernel, RecurrentStep rows, float* input, float* output);

    protected float* Copy(float[] values)
    {
        var copy = Allocate(values.Length);
        values.CopyTo(new Span<float>(copy, values.Length));
        return copy;
    }

    /// <summary>Random numbers between two.</summary>
    protected float[] Between(int count, double least, double most) =>
        [.. Enumerable.Range(0, count).Select(_ => (float)(least + (Random.NextDouble() * (most - least))))];

    protected static double SoftPlus(double x) => Math.Log(1 + Math.Exp(x));

    protected static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private float[] Gather(IReadOnlyList<(int First, int Count, int StateIn)> parts) =>
        [.. parts.SelectMany(part => Rows.AsSpan(part.First * InputWidth, part.Count * InputWidth).ToArray())];

    private float* Allocate(int count)
    {
        var memory = NativeMemory.AlignedAlloc((nuint)Math.Max(count, 1) * sizeof(float), 64);
        _allocations.Add((IntPtr)memory);
        return (float*)memory;
    }
}
