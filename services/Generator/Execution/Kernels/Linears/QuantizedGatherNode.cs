namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>One gather of a session.</summary>
internal sealed unsafe class QuantizedGatherNode(QuantizedMatrix matrix) : CustomOpNode
{
    public override string ToString() => QuantizedGatherOp.OpName;

    public override void Compute(void* context)
    {
        long count;
        var ids = (long*)OrtCustomOpApi.GetInput(context, 0, new Span<long>(&count, 1));
        for (var i = 0; i < count; i++)
        {
            if ((ulong)ids[i] >= (ulong)matrix.Outputs)
                throw new InvalidDataException($"index {i} is {ids[i]}, the matrix has {matrix.Outputs} rows");
        }

        var output = (float*)OrtCustomOpApi.GetOutput(context, count, matrix.Inputs);
        for (var i = 0; i < count; i++)
            matrix.ReadRow((int)ids[i], new Span<float>(output + (i * matrix.Inputs), matrix.Inputs));
    }
}
