using Parley.Generator.Execution.Kernels.Linears;

namespace Parley.Generator.Execution.Kernels.Latent;

/// <summary>One quantised linear per head of a session.</summary>
internal sealed unsafe class QuantizedPerHeadLinearNode(PerHeadSettings settings, QuantizedPerHead linear) : CustomOpNode
{
    /// <summary>Reads a node.</summary>
    /// <exception cref="NotSupportedException">An attribute or the weights do not fit.</exception>
    public static QuantizedPerHeadLinearNode Read(void* info)
    {
        var settings = PerHeadSettings.Read(info);
        var format = QuantizedMatrixFormat.Read(info, "layout\0"u8, "bits\0"u8, "group\0"u8, "levels\0"u8);
        var inputs = OrtCustomOpApi.GetInteger(info, "K\0"u8, 0);
        if (inputs < settings.Inputs)
            throw new NotSupportedException($"K {inputs} is less than inputs {settings.Inputs}; {QuantizedMatrix.Remedy}");
        var matrix = QuantizedMatrix.Read(info, codesInput: 1, settings.Outputs, inputs, settings.Heads, format);
        return new QuantizedPerHeadLinearNode(settings, new QuantizedPerHead(settings, matrix));
    }

    public override string ToString() => QuantizedPerHeadLinearOp.OpName;

    public override void Compute(void* context)
    {
        var tokens = settings.Bind(context, out var input);
        var output = settings.Output(context, tokens);
        if (tokens > 0)
            linear.Run(context, QuantizedLinearKernel.Best, input, output, tokens);
    }
}
