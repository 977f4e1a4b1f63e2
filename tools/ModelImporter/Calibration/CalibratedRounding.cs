using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Quantization;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Calibration;

/// <summary>
/// Rounding for the inputs that a text gives: error feedback for every linear but those that lie on a 4-bit grid already, which keep it.
/// Linears have to come in the order of the computation, which is that of the graph's fills.
/// </summary>
internal sealed class CalibratedRounding(CheckpointReader checkpoint, IReadOnlyList<int> ids, PlainRounding plain) : GroupRounding
{
    /// <summary>
    /// Weights per scale unless told otherwise: as many bits as llama.cpp's Q4_0 and less than half its loss (docs/benchmarks/quality.md).
    /// </summary>
    public const int DefaultGroup = 64;

    /// <summary>Rows that an expert must be given: this part of its inputs.</summary>
    private const int RowsPart = 8;

    private CalibrationForward? _forward;
    private int _experts;
    private int _plainExperts;

    public override IReadOnlyList<string> Notes => _plainExperts == 0 ? [] :
    [
        $"the calibration text reaches {_plainExperts} of {_experts} matrices of experts with too few tokens; "
        + "their weights were rounded each to the nearest code, without it.",
    ];

    /// <inheritdoc/>
    public override bool ReadsText => true;

    public override bool KeepsGrids => plain.KeepsGrids;

    public override int GroupOf(CheckpointTensors tensors, LinearWeights linear) => plain.GroupOf(tensors, linear);

    public override bool HasMinima(CheckpointTensors tensors, LinearWeights linear) => plain.HasMinima(tensors, linear);

    public override RowRounder Prepare(CheckpointTensors tensors, LinearWeights linear, int group, ParallelOptions options)
    {
        if (linear.Whole is not null || plain.FindsGrid(tensors, linear))
        {
            Pass(tensors, linear, options);
            return plain.Prepare(tensors, linear, group, options);
        }

        _forward ??= new CalibrationForward(checkpoint, ids);
        var inputs = _forward.Inputs(linear);
        var weights = Read(tensors, linear, options);
        if (linear.Stack is not null)
        {
            _experts++;
            // Errors that so few rows do not see would be pushed to where they do harm.
            if (inputs.Rows < linear.Inputs / RowsPart)
            {
                _plainExperts++;
                _forward.Advance(linear, weights, options);
                return plain.Prepare(tensors, linear, group, options);
            }
        }

        var rounded = FeedbackRounding.Round(weights, Factor(inputs, options), group, plain.HasMinimum, options);
        _forward.Advance(linear, weights, options);
        return (row, _, codes, scales, offsets) => rounded.Copy(row, codes, scales, offsets);
    }

    /// <inheritdoc />
    /// <remarks>Of a linear that was split the first part goes past the whole.</remarks>
    public override void Pass(CheckpointTensors tensors, LinearWeights linear, ParallelOptions options)
    {
        var whole = linear.Whole ?? linear;
        if (linear.Parts[0].Weight != whole.Parts[0].Weight)
            return;
        _forward ??= new CalibrationForward(checkpoint, ids);
        _forward.Advance(whole, Read(tensors, whole, options), options);
    }

    private static Matrix Factor(Matrix inputs, ParallelOptions options)
    {
        var hessian = new Matrix(new float[checked(inputs.Columns * inputs.Columns)], inputs.Columns, inputs.Columns);
        MatrixProduct.Add(hessian, inputs.Transposed, inputs, options, 1f / inputs.Rows, upperOnly: true);
        UpperFactor.Compute(hessian, options);
        return hessian;
    }

    private static Matrix Read(CheckpointTensors tensors, LinearWeights linear, ParallelOptions options)
    {
        var weights = new Matrix(new float[checked(linear.Outputs * linear.Inputs)], linear.Outputs, linear.Inputs);
        Parallel.For(0, linear.Outputs, options, row => linear.Read(tensors, row, 0, weights.Row(row)));
        return weights;
    }
}
