using System.Numerics.Tensors;

namespace Parley.Cli.Evaluation;

/// <summary>Arithmetic on one row of logits: fp32 in blocks that stay in the first cache, sums in double.</summary>
internal static class LogitRow
{
    private const int Block = 1024;

    /// <summary>ln Σ exp(logit): what turns a logit into a log probability.</summary>
    public static double LogSumExp(ReadOnlySpan<float> logits)
    {
        Span<float> scratch = stackalloc float[Block];
        var largest = TensorPrimitives.Max(logits);
        var sum = 0.0;
        for (var start = 0; start < logits.Length; start += Block)
        {
            var part = logits.Slice(start, Math.Min(Block, logits.Length - start));
            var values = scratch[..part.Length];
            TensorPrimitives.Subtract(part, largest, values);
            TensorPrimitives.Exp(values, values);
            sum += TensorPrimitives.Sum<float>(values);
        }

        return largest + Math.Log(sum);
    }

    /// <summary>KL(P ‖ Q) in nats, P and Q being the softmax of two rows.</summary>
    /// <param name="p">Logits of P.</param>
    /// <param name="logSumP">Their <see cref="LogSumExp"/>.</param>
    /// <param name="q">Logits of Q, as many.</param>
    /// <param name="logSumQ">Their <see cref="LogSumExp"/>.</param>
    public static double Divergence(ReadOnlySpan<float> p, double logSumP, ReadOnlySpan<float> q, double logSumQ)
    {
        Span<float> differences = stackalloc float[Block];
        Span<float> weights = stackalloc float[Block];
        var sum = 0.0;
        for (var start = 0; start < p.Length; start += Block)
        {
            var part = p.Slice(start, Math.Min(Block, p.Length - start));
            var d = differences[..part.Length];
            var w = weights[..part.Length];
            // ln P − ln Q first, so that what is summed is small where the two agree.
            TensorPrimitives.Subtract(part, q.Slice(start, part.Length), d);
            TensorPrimitives.Subtract(d, (float)(logSumP - logSumQ), d);
            TensorPrimitives.Subtract(part, (float)logSumP, w);
            TensorPrimitives.Exp(w, w);
            sum += TensorPrimitives.Dot<float>(d, w);
        }

        // Rounding may leave equal distributions a hair below zero.
        return Math.Max(0, sum);
    }
}
