using System.Numerics;

namespace Parley.Generator.Execution.Kernels.Recurrence;

/// <summary>
/// A short causal convolution of each channel by itself. A row's sum goes over its last inputs from the oldest on, one product added to the
/// other without fusing, so its bits are the same in every cut of the rows, beside any others and with any width of vectors.
/// </summary>
internal static unsafe class ShortConvolutionKernel
{
    /// <summary>Few enough that the last inputs stay in the first level of the cache.</summary>
    public const int ChannelsPerUnit = 256;

    /// <summary>Inputs that a row may see.</summary>
    public const int WidthMax = 16;

    /// <summary>Computes one part of the channels for all rows.</summary>
    /// <param name="argument">The <see cref="ShortConvolutionStep"/>.</param>
    /// <param name="unit">Index of the part.</param>
    public static void Run(void* argument, nint unit)
    {
        var step = (ShortConvolutionStep*)argument;
        var first = (int)unit * ChannelsPerUnit;
        var count = Math.Min(ChannelsPerUnit, step->Channels - first);
        var recent = stackalloc float[WidthMax * ChannelsPerUnit];
        for (var sequence = 0; sequence < step->Recurrent.SequenceCount; sequence++)
            RunSequence(step, sequence, first, count, recent);
    }

    private static void RunSequence(ShortConvolutionStep* step, int sequence, int first, int count, float* recent)
    {
        var (begin, end) = (step->Recurrent.CumulativeLengths[sequence], step->Recurrent.CumulativeLengths[sequence + 1]);
        if (begin == end)
            return;
        var width = step->Width;
        // A ring of the last inputs: that of row r is at (r + width − 1) % width, those before the first row come from the state.
        Load(step, step->Recurrent.StateIn[sequence], first, count, recent);
        for (var row = begin; row < end; row++)
        {
            var newest = (row - begin + width - 1) % width;
            Take(step, row, first, count, recent + (newest * ChannelsPerUnit));
            Sum(step, row, first, count, recent, (newest + 1) % width);
            if (step->Recurrent.StateOut[row] is >= 0 and var slot)
                Save(step, slot, first, count, recent, (newest + 2) % width);
        }
    }

    private static void Load(ShortConvolutionStep* step, int slot, int first, int count, float* recent)
    {
        for (var i = 0; i < step->Width - 1; i++)
        {
            var target = new Span<float>(recent + (i * ChannelsPerUnit), count);
            if (slot < 0)
                target.Clear();
            else
                new ReadOnlySpan<float>(step->Recurrent.State(slot) + ((long)i * step->Channels) + first, count).CopyTo(target);
        }
    }

    private static void Save(ShortConvolutionStep* step, int slot, int first, int count, float* recent, int oldest)
    {
        for (var i = 0; i < step->Width - 1; i++)
        {
            var source = new ReadOnlySpan<float>(recent + ((oldest + i) % step->Width * ChannelsPerUnit), count);
            source.CopyTo(new Span<float>(step->Recurrent.State(slot) + ((long)i * step->Channels) + first, count));
        }
    }

    /// <summary>The row's own input.</summary>
    private static void Take(ShortConvolutionStep* step, int row, int first, int count, float* target)
    {
        if (!step->IsGated)
        {
            new ReadOnlySpan<float>(step->Rows + ((long)row * step->Channels) + first, count).CopyTo(new Span<float>(target, count));
            return;
        }

        var gate = step->Rows + ((long)row * 3 * step->Channels) + first;
        var input = gate + (2L * step->Channels);
        var channel = 0;
        for (; channel <= count - Vector<float>.Count; channel += Vector<float>.Count)
            Vector.Store(Vector.Load(gate + channel) * Vector.Load(input + channel), target + channel);
        for (; channel < count; channel++)
            target[channel] = gate[channel] * input[channel];
    }

    private static void Sum(ShortConvolutionStep* step, int row, int first, int count, float* recent, int oldest)
    {
        var output = step->Output + ((long)row * step->Channels) + first;
        var gate = step->IsGated ? step->Rows + (((long)row * 3) + 1) * step->Channels + first : null;
        var weights = step->Weights + first;
        var channel = 0;
        for (; channel <= count - Vector<float>.Count; channel += Vector<float>.Count)
        {
            var sum = step->Bias is null ? Vector<float>.Zero : Vector.Load(step->Bias + first + channel);
            for (int i = 0, at = oldest; i < step->Width; i++, at = at + 1 == step->Width ? 0 : at + 1)
                sum += Vector.Load(weights + ((long)i * step->Channels) + channel) * Vector.Load(recent + (at * ChannelsPerUnit) + channel);
            if (gate is not null)
                sum *= Vector.Load(gate + channel);
            Vector.Store(sum, output + channel);
        }

        for (; channel < count; channel++)
        {
            var sum = step->Bias is null ? 0 : step->Bias[first + channel];
            for (int i = 0, at = oldest; i < step->Width; i++, at = at + 1 == step->Width ? 0 : at + 1)
                sum += weights[((long)i * step->Channels) + channel] * recent[(at * ChannelsPerUnit) + channel];
            output[channel] = gate is null ? sum : sum * gate[channel];
        }

        if (step->IsActivated)
            Activate(output, count);
    }

    private static void Activate(float* values, int count)
    {
        for (var i = 0; i < count; i++)
            values[i] /= 1 + MathF.Exp(-values[i]);
    }
}
