namespace Parley.Generator.Tests.Execution.Kernels.Recurrence;

/// <summary>The recurrent kernels alone, against double precision, in every vector width.</summary>
public sealed class RecurrenceKernelTests
{
    private const double Tolerance = 2e-5;

    private static readonly string[] Variants = ["AVX-512", "AVX2", "128-bit", "scalar"];

    /// <summary>A kind, its sizes and the vectors.</summary>
    public static TheoryData<string, string> Kernels()
    {
        var data = new TheoryData<string, string>();
        foreach (var variant in Variants)
        {
            foreach (var shape in new[]
            {
                "delta 1 1 16 16", "delta 2 4 16 16", "delta 2 4 32 48", "delta 1 3 64 80", "delta 2 2 128 128", "delta 2 6 16 64 tiled",
                "mamba 8 16 16 1", "mamba 4 32 24 2", "mamba 6 80 8 3", "mamba 2 64 128 1",
            })
                data.Add(shape, variant);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Run_RandomRows_EqualsDoublePrecision(string shape, string kernel)
    {
        using var rows = Create(shape, 75);
        AssertClose(rows.Expected(), rows.RunInChunks(kernel, rows.RowCount));
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Run_HoweverTheRowsAreCut_SameBits(string shape, string kernel)
    {
        using var rows = Create(shape, 75);
        var whole = rows.RunInChunks(kernel, rows.RowCount);
        Assert.DoesNotContain(whole, float.IsNaN);
        foreach (var chunk in new[] { 1, 7, 16, 64 })
            Assert.Equal(whole, rows.RunInChunks(kernel, chunk));
    }

    /// <summary>Rows that keep their states, as those of drafts and of block borders: going on from each is going on.</summary>
    [Theory]
    [MemberData(nameof(Kernels))]
    public void Run_RowsThatKeepTheirStates_GoOnFromEach(string shape, string kernel)
    {
        using var rows = Create(shape, 40);
        var whole = rows.RunInChunks(kernel, rows.RowCount);
        var kept = Enumerable.Repeat(-1, 30).ToArray();
        foreach (var row in new[] { 0, 3, 15, 16, 17, 29 })
            kept[row] = row;
        var first = rows.Run(kernel, [(0, 30, -1)], kept);
        Assert.Equal(whole[..first.Length], first);
        foreach (var row in new[] { 0, 3, 15, 16, 17, 29 })
        {
            // Slots of others must stay as they are: each of them is gone on from, after all the others were.
            var rest = rows.Run(kernel, [(row + 1, rows.RowCount - row - 1, row)], Nowhere(rows.RowCount - row - 1));
            Assert.Equal(whole[((row + 1) * rows.OutputWidth)..], rest);
        }
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void Run_BesideOthers_SameBits(string shape, string kernel)
    {
        using var rows = Create(shape, 40);
        var alone = rows.Run(kernel, [(0, 20, -1)], [.. Nowhere(19), 5]);
        var other = rows.Run(kernel, [(7, 21, -1)], [.. Nowhere(20), 6]);
        int[] kept = [.. Nowhere(20), .. Nowhere(19), 8, 9, .. Nowhere(1)];
        var together = rows.Run(kernel, [(7, 20, -1), (0, 20, -1), (27, 1, 6), (20, 0, 5), (20, 1, 5)], kept);
        Assert.Equal(other[..(20 * rows.OutputWidth)], together[..(20 * rows.OutputWidth)]);
        Assert.Equal(alone, together[(20 * rows.OutputWidth)..(40 * rows.OutputWidth)]);
        Assert.Equal(rows.State(5), rows.State(8));
        Assert.DoesNotContain(rows.State(9), float.IsNaN);
    }

    /// <summary>A state that is no number stays where it is.</summary>
    [Theory]
    [MemberData(nameof(Kernels))]
    public void Run_StateThatIsNoNumber_SpoilsItsOwnSequenceOnly(string shape, string kernel)
    {
        using var rows = Create(shape, 20);
        // Nothing was ever kept in slot 40.
        var both = rows.Run(kernel, [(0, 5, 40), (0, 5, -1)], Nowhere(10));
        var width = 5 * rows.OutputWidth;
        Assert.All(both[..width], number => Assert.True(float.IsNaN(number)));
        Assert.Equal(rows.RunInChunks(kernel, rows.RowCount)[..width], both[width..]);
    }

    private static int[] Nowhere(int count) => [.. Enumerable.Repeat(-1, count)];

    private static RecurrenceCase Create(string shape, int rowCount)
    {
        var words = shape.Split(' ');
        var sizes = words.Skip(1).Take(4).Select(int.Parse).ToArray();
        return words[0] == "delta"
            ? new GatedDeltaCase(rowCount, sizes[0], sizes[1], sizes[2], sizes[3], words.Length > 5)
            : new MambaScanCase(rowCount, sizes[0], sizes[1], sizes[2], sizes[3]);
    }

    private static void AssertClose(double[] expected, float[] actual)
    {
        var largest = expected.Max(Math.Abs);
        for (var i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= Tolerance * largest, $"{i}: {actual[i]} is not {expected[i]}");
    }
}
