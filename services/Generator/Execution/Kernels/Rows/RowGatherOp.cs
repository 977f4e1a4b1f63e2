using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution.Kernels.Rows;

/// <summary>
/// The operator <c>ai.parley.RowGather</c>, version 1: scaled rows of a constant table, added to what is given. The table stays in the
/// mapped file; of a row that no token asks for nothing is read.
/// </summary>
internal sealed unsafe class RowGatherOp : CustomOp
{
    public const string OpName = "RowGather";

    public override string Name => OpName;

    /// <summary>Indices [rows]; the table's bytes, row by row; what is added [rows, K].</summary>
    public override IReadOnlyList<TensorElementType> Inputs { get; } =
        [TensorElementType.Int64, TensorElementType.UInt8, TensorElementType.Float];

    public override IReadOnlyList<TensorElementType> Outputs { get; } = [TensorElementType.Float];

    public override bool IsOptional(int input) => input == RowGatherNode.AddedInput;

    public override CustomOpNode CreateNode(void* info) => RowGatherNode.Read(info);
}
