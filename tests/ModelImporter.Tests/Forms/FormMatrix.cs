namespace Parley.ModelImporter.Tests.Forms;

/// <summary>Random codes in groups, and what they stand for.</summary>
internal sealed class FormMatrix
{
    /// <param name="rows">Outputs.</param>
    /// <param name="columns">Inputs.</param>
    /// <param name="group">Columns of a group; the last one may be smaller.</param>
    /// <param name="bits">Bits of a code.</param>
    /// <param name="zero">The zero point of all groups; null for one each.</param>
    /// <param name="isShuffled">Whether columns of a group lie apart.</param>
    public FormMatrix(int rows, int columns, int group, int bits, int? zero = null, bool isShuffled = false)
    {
        var random = new Random((rows * 31) + columns + bits);
        (Rows, Columns, Groups, Bits) = (rows, columns, (columns + group - 1) / group, bits);
        Codes = [.. Enumerable.Range(0, rows * columns).Select(_ => random.Next(1 << bits))];
        Scales = [.. Enumerable.Range(0, rows * Groups).Select(_ => (float)(Half)((random.NextDouble() + 0.1) / (1 << bits)))];
        Zeros = [.. Enumerable.Range(0, rows * Groups).Select(_ => zero ?? random.Next(1, 1 << bits))];
        GroupOf = [.. Enumerable.Range(0, columns).Select(column => column / group)];
        if (isShuffled)
            random.Shuffle(GroupOf);
    }

    public int Rows { get; }

    public int Columns { get; }

    public int Groups { get; }

    public int Bits { get; }

    public int[] Codes { get; }

    /// <summary>[rows, groups], numbers of half precision.</summary>
    public float[] Scales { get; }

    /// <summary>[rows, groups].</summary>
    public int[] Zeros { get; }

    public int[] GroupOf { get; }

    /// <summary>What a code stands for.</summary>
    public float[] Weights(Func<int, float, int, float> meaning) => [.. Enumerable.Range(0, Rows * Columns).Select(i =>
    {
        var group = ((i / Columns) * Groups) + GroupOf[i % Columns];
        return meaning(Codes[i], Scales[group], Zeros[group]);
    })];

    /// <summary>scale · (code − zero point).</summary>
    public float[] Weights() => Weights((code, scale, zero) => scale * (code - zero));

    /// <summary>Scales [groups, rows].</summary>
    public Half[] TurnedScales() =>
        [.. Enumerable.Range(0, Rows * Groups).Select(i => (Half)Scales[((i % Rows) * Groups) + (i / Rows)])];
}
