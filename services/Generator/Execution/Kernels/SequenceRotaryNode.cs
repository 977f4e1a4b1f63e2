namespace Parley.Generator.Execution.Kernels;

/// <summary>The positions of a session whose frequencies depend on the length of a sequence.</summary>
/// <param name="border">Tokens up to which they do not.</param>
/// <param name="theta">Base of the frequencies; dynamic makes it larger.</param>
/// <param name="factor">By how much dynamic stretches.</param>
/// <param name="attentionFactor">Factor on cosines and sines.</param>
internal sealed unsafe class SequenceRotaryNode(int border, float theta, float factor, float attentionFactor) : CustomOpNode
{
    public const int LongInput = 4;

    private const int PairsMax = PagedAttentionStep.HeadSizeMax / 2;

    /// <summary>Reads a node.</summary>
    /// <exception cref="NotSupportedException">An attribute is out of range.</exception>
    public static SequenceRotaryNode Read(void* info)
    {
        var border = OrtCustomOpApi.GetInteger(info, "border\0"u8, 0);
        var (theta, factor) = (OrtCustomOpApi.GetFloat(info, "theta\0"u8, 0), OrtCustomOpApi.GetFloat(info, "factor\0"u8, 0));
        return border is > 0 and <= int.MaxValue && theta > 1 && factor > 0
            ? new SequenceRotaryNode((int)border, theta, factor, OrtCustomOpApi.GetFloat(info, "attention_factor\0"u8, 1))
            : throw new NotSupportedException($"border {border}, theta {theta} and factor {factor} must be positive");
    }

    public override string ToString() => SequenceRotaryOp.OpName;

    public override void Compute(void* context)
    {
        long count, pairs;
        var cumulative = (int*)OrtCustomOpApi.GetInput(context, 0, new Span<long>(&count, 1));
        var sequences = checked((int)count - 1);
        var past = (int*)OrtCustomOpApi.GetInput(context, 1, new Span<long>(&count, 1));
        if (sequences < 0 || count != sequences)
            throw new InvalidDataException($"past_seqlens has {count} entries, cumulative_sequence_length {sequences + 1}");
        var lengths = (int*)OrtCustomOpApi.GetInput(context, 2, new Span<long>(&count, 1));
        if (count != sequences)
            throw new InvalidDataException($"rotary_lengths has {count} entries for {sequences} sequences");
        var brief = (float*)OrtCustomOpApi.GetInput(context, 3, new Span<long>(&pairs, 1));
        var extended = (float*)OrtCustomOpApi.GetInput(context, LongInput, new Span<long>(&count, 1));
        if (pairs is < 2 or > PairsMax || (extended is not null && count != pairs))
            throw new InvalidDataException($"frequencies of {pairs} and {count} pairs, not of one number from 2 to {PairsMax}");
        var cosines = (float*)OrtCustomOpApi.GetOutput(context, cumulative[sequences], pairs);
        var sines = (float*)OrtCustomOpApi.GetOutput(context, cumulative[sequences], pairs, 1);
        var computed = stackalloc float[PairsMax];
        for (var i = 0; i < sequences; i++)
        {
            var frequencies = lengths[i] <= border ? brief : extended is not null ? extended : Stretch(computed, (int)pairs, lengths[i]);
            for (var token = cumulative[i]; token < cumulative[i + 1]; token++)
                Fill(frequencies, (int)pairs, past[i] + token - cumulative[i], cosines + (token * pairs), sines + (token * pairs));
        }
    }

    /// <summary>The frequencies of a larger base, by how far a length is beyond the border.</summary>
    private float* Stretch(float* frequencies, int pairs, int length)
    {
        var stretch = ((double)factor * length / border) - (factor - 1);
        var stretched = theta * Math.Pow(stretch, pairs / (pairs - 1.0));
        for (var j = 0; j < pairs; j++)
            frequencies[j] = (float)(1 / Math.Pow(stretched, (double)j / pairs));
        return frequencies;
    }

    private void Fill(float* frequencies, int pairs, int position, float* cosines, float* sines)
    {
        for (var j = 0; j < pairs; j++)
        {
            var angle = position * frequencies[j];
            cosines[j] = (float)(Math.Cos(angle) * attentionFactor);
            sines[j] = (float)(Math.Sin(angle) * attentionFactor);
        }
    }
}
