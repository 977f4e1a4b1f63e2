using System.Runtime.CompilerServices;
using Parley.Generator.Execution.Kernels.Experts;

namespace Parley.Generator.Execution.Kernels.Latent;

/// <summary>The arguments of a linear per head of floats as plain pointers, and the body of its loop.</summary>
internal unsafe struct PerHeadStep
{
    /// <summary>Outputs of a unit.</summary>
    private const int UnitOutputs = 32;

    private float* _input;
    private float* _weights;
    private float* _output;
    private int _tokens;
    private int _heads;
    private int _inputs;
    private int _outputs;
    private int _inputStride;
    private int _outputStride;
    private long _inputStep;
    private long _outputStep;

    /// <summary>Parts that are shared out: heads, times runs of outputs.</summary>
    public readonly int Units => _heads * HeadUnits;

    private readonly int HeadUnits => (_outputs + UnitOutputs - 1) / UnitOutputs;

    /// <summary>A step over some tokens.</summary>
    public static PerHeadStep Create(PerHeadSettings settings, float* input, float* weights, float* output, int tokens) => new()
    {
        _input = input,
        _weights = weights,
        _output = output,
        _tokens = tokens,
        _heads = settings.Heads,
        _inputs = settings.Inputs,
        _outputs = settings.Outputs,
        _inputStride = settings.InputStride,
        _outputStride = settings.OutputStride,
        _inputStep = settings.InputStep(tokens),
        _outputStep = settings.OutputStep(tokens),
    };

    /// <summary>Some outputs of one head for all tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(void* argument, nint unit)
    {
        var step = (PerHeadStep*)argument;
        var (head, start) = ((int)unit / step->HeadUnits, (int)unit % step->HeadUnits * UnitOutputs);
        var end = Math.Min(start + UnitOutputs, step->_outputs);
        var input = step->_input + (head * step->_inputStep);
        var output = step->_output + (head * step->_outputStep);
        var weights = step->_weights + ((long)head * step->_outputs * step->_inputs);
        var rows = stackalloc float*[FloatDot.Rows];
        var sums = stackalloc float[FloatDot.Rows * FloatDot.Outputs];
        for (var token = 0; token < step->_tokens; token += FloatDot.Rows)
        {
            var count = Math.Min(FloatDot.Rows, step->_tokens - token);
            for (var r = 0; r < FloatDot.Rows; r++)
                rows[r] = input + ((long)(token + Math.Min(r, count - 1)) * step->_inputStride);
            for (var i = start; i < end; i += FloatDot.Outputs)
            {
                var second = Math.Min(i + 1, end - 1);
                FloatDot.Run(rows, weights + ((long)i * step->_inputs), weights + ((long)second * step->_inputs), step->_inputs, sums);
                for (var r = 0; r < count; r++)
                {
                    var target = output + ((long)(token + r) * step->_outputStride);
                    target[i] = sums[FloatDot.Outputs * r];
                    target[second] = sums[(FloatDot.Outputs * r) + second - i];
                }
            }
        }
    }
}
