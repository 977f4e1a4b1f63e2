using System.Buffers;
using System.Numerics.Tensors;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Calibration;

/// <summary>The function between the linears of an MLP, over numbers in memory.</summary>
internal static class ActivationFunction
{
    /// <summary>√(2 / π) and the factor of the cube in GELU's approximation.</summary>
    private const float TanhScale = 0.7978845608f;
    private const float TanhCube = 0.044715f;

    /// <summary>The function of a layer, which changes numbers in place.</summary>
    /// <param name="activation">The function.</param>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="scalars">Its numbers, where it has any.</param>
    public static ActivationBody Of(Activation activation, CheckpointTensors tensors, IReadOnlyList<ScalarWeight> scalars)
    {
        if (activation != Activation.XIelu)
            return values => Apply(activation, values);
        var stored = scalars.Select(scalar => ActivationEmitter.ReadScalar(tensors, scalar)).ToArray();
        var (above, below) = ((float)ActivationEmitter.SoftPlus(stored[0]), (float)(stored[2] + ActivationEmitter.SoftPlus(stored[1])));
        var (beta, epsilon) = (stored[2], stored[3]);
        return values =>
        {
            foreach (ref var x in values)
                x = (x > 0 ? above * x * x : (MathF.Exp(MathF.Min(x, epsilon)) - 1 - x) * below) + (beta * x);
        };
    }

    /// <summary>A function without numbers of its own, in place.</summary>
    public static void Apply(Activation activation, Span<float> values)
    {
        switch (activation)
        {
            case Activation.Silu:
                var sigmoid = ArrayPool<float>.Shared.Rent(values.Length);
                TensorPrimitives.Sigmoid(values, sigmoid);
                TensorPrimitives.Multiply(values, sigmoid.AsSpan(0, values.Length), values);
                ArrayPool<float>.Shared.Return(sigmoid);
                break;
            case Activation.GeluTanh:
                foreach (ref var x in values)
                    x = 0.5f * x * (1 + MathF.Tanh(TanhScale * (x + (TanhCube * x * x * x))));
                break;
            case Activation.Gelu:
                foreach (ref var x in values)
                    x = 0.5f * x * (1 + ErrorFunction(x / MathF.Sqrt(2)));
                break;
            case Activation.Relu:
                TensorPrimitives.Max(values, 0, values);
                break;
            default:
                TensorPrimitives.Max(values, 0, values);
                TensorPrimitives.Multiply(values, values, values);
                break;
        }
    }

    /// <summary>Abramowitz and Stegun 7.1.26, to 2e-7.</summary>
    private static float ErrorFunction(float x)
    {
        var t = 1 / (1 + (0.3275911f * MathF.Abs(x)));
        var p = ((((((((1.061405429f * t) - 1.453152027f) * t) + 1.421413741f) * t) - 0.284496736f) * t) + 0.254829592f) * t;
        return MathF.CopySign(1 - (p * MathF.Exp(-x * x)), x);
    }
}
