using System.Runtime.InteropServices;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>
/// Codes that are stored by inputs: words [inputs or fewer, outputs or fewer], scales [groups, outputs], zero points in words
/// [groups, outputs / codes per word]. Whoever wants a row gets it from a panel of outputs, which is turned round at once.
/// </summary>
/// <param name="words">The codes.</param>
/// <param name="scales">The scales.</param>
/// <param name="zeros">The zero points; null where all are <paramref name="middle"/>.</param>
/// <param name="panels">Panels of the checkpoint.</param>
/// <param name="middle">The zero point where none is stored.</param>
internal abstract class ColumnwiseCodes(
    StoredSource words, StoredNumbers scales, StoredSource? zeros, CodePanels panels, int middle) : CodeRows
{
    private readonly Lock _lock = new();
    private bool _isKnown;
    private int? _zero;

    public override StoredSource Codes => words;

    /// <summary>Columns of the matrix, which are inputs.</summary>
    protected abstract int Columns { get; }

    /// <summary>Rows of the matrix.</summary>
    protected int Outputs => checked((int)scales.Source.Shape[1]);

    private int Groups => checked((int)scales.Source.Shape[0]);

    public override int? Zero
    {
        get
        {
            lock (_lock)
            {
                if (!_isKnown)
                    (_zero, _isKnown) = (zeros is null ? middle : FindZero(), true);
                return _zero;
            }
        }
    }

    public override void Read(TensorReading? reading, long row, Span<byte> codes, Span<float> rowScales, Span<float> rowOffsets)
    {
        var panel = panels.Own;
        var first = row / CodePanel.Outputs * CodePanel.Outputs;
        if (!panel.Holds(this, first))
        {
            var count = (int)Math.Min(CodePanel.Outputs, Outputs - first);
            panel.Prepare(Columns, Groups, WordsOf(count));
            ReadCodes(reading, panel, (int)first, count);
            ReadNumbers(reading, panel, (int)first, count);
            panel.Keep(this, first);
        }

        var lane = (int)(row - first);
        panel.Codes.AsSpan(lane * panel.Stride, codes.Length).CopyTo(codes);
        panel.Scales.AsSpan(lane * Groups, Groups).CopyTo(rowScales);
        panel.Zeros.AsSpan(lane * Groups, Groups).CopyTo(rowOffsets);
    }

    /// <summary>Words that hold the codes of so many outputs.</summary>
    protected abstract int WordsOf(int outputs);

    /// <summary>Turns the codes of some outputs round.</summary>
    protected abstract void ReadCodes(TensorReading? reading, CodePanel panel, int first, int count);

    /// <summary>Bits of the zero point of an output.</summary>
    protected abstract int ZeroBits { get; }

    /// <summary>Unpacks zero points of a group.</summary>
    /// <param name="words">The words of some outputs, the first of which is the first of a panel.</param>
    /// <param name="zeroPoints">Takes one zero point for each of them.</param>
    protected abstract void UnpackZeros(Span<uint> words, Span<float> zeroPoints);

    /// <summary>Reads a run of words of a row.</summary>
    protected void ReadWords(TensorReading? reading, long first, Span<uint> target) =>
        words.ReadBytes(reading, first * sizeof(uint), MemoryMarshal.AsBytes(target));

    private void ReadNumbers(TensorReading? reading, CodePanel panel, int first, int count)
    {
        Span<float> numbers = stackalloc float[2 * CodePanel.Outputs];
        var zeroPoints = numbers[..count];
        var run = numbers.Slice(count, count);
        zeroPoints.Fill(middle);
        for (var group = 0; group < Groups; group++)
        {
            scales.Read(reading, ((long)group * Outputs) + first, run);
            if (zeros is not null)
                ReadZeros(reading, zeros, group, first, zeroPoints);
            for (var i = 0; i < count; i++)
            {
                panel.Scales[(i * Groups) + group] = run[i];
                panel.Zeros[(i * Groups) + group] = zeroPoints[i];
            }
        }
    }

    private void ReadZeros(TensorReading? reading, StoredSource source, int group, int first, Span<float> zeroPoints)
    {
        Span<uint> packed = new uint[((zeroPoints.Length * ZeroBits) + 31) / 32];
        var start = (group * source.Shape[1]) + ((long)first * ZeroBits / 32);
        source.ReadBytes(reading, start * sizeof(uint), MemoryMarshal.AsBytes(packed));
        UnpackZeros(packed, zeroPoints);
    }

    private int? FindZero()
    {
        var zeroPoints = new float[Outputs];
        float? common = null;
        for (var group = 0; group < Groups; group++)
        {
            ReadZeros(null, zeros!, group, 0, zeroPoints);
            common ??= zeroPoints[0];
            if (zeroPoints.AsSpan().ContainsAnyExcept(common.Value))
                return null;
        }

        return (int?)common;
    }
}
