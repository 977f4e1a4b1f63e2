using Parley.Generator.Execution.Kernels.Adapters;
using Parley.Generator.Execution.Kernels.Linears;
using Parley.Generator.Tests.Execution.Kernels.Linears;
using Parley.PackageFormat;

namespace Parley.Generator.Tests.Execution.Kernels.Adapters;

/// <summary>Random adapters of one linear, and what they add in double precision.</summary>
internal sealed unsafe class AdapterCase : IDisposable
{
    public const float Epsilon = 1e-5f;

    private readonly LinearCase _linear;
    private readonly AdaptedLinears _linears = new(256);
    private readonly List<AdapterWeights> _adapters = [];
    private readonly List<List<(AdapterPart Part, float[] Down, float[] Up)>> _parts = [];

    public AdapterCase(LinearCase linear)
    {
        _linear = linear;
        // Two others around it: an adapter has zeros for those that it leaves alone.
        _linears.Add("before", 32, 16);
        _linears.Add("linear", linear.Inputs, linear.Outputs);
        _linears.Add("behind", 32, 16);
    }

    /// <summary>Adds an adapter with parts of random numbers.</summary>
    /// <param name="isNarrow">Numbers have 16 bits.</param>
    /// <param name="parts">First output, outputs, rank.</param>
    public AdapterCase Add(bool isNarrow, params (int Output, int Outputs, int Rank)[] parts)
    {
        var random = new Random((_adapters.Count * 31) + parts.Sum(part => part.Rank));
        List<(AdapterPart, float[], float[])> made =
        [
            .. parts.Select(part => (new AdapterPart(part.Output, part.Outputs, part.Rank, 0, 0),
                Numbers(random, part.Rank * _linear.Inputs, isNarrow), Numbers(random, part.Outputs * part.Rank, isNarrow))),
        ];
        var layout = new AdapterLayout(_linears.Find("linear")!, [.. made.Select(part => part.Item1)], isNarrow);
        var weights = new AdapterWeights(_linears.All.Count, layout.Bytes);
        layout.Begin(weights);
        foreach (var (index, (_, down, up)) in made.Index())
        {
            layout.WriteDown(weights, index, down);
            layout.WriteUp(weights, index, up);
        }

        _adapters.Add(weights);
        _parts.Add(made);
        return this;
    }

    /// <summary>The kernel's answer, each row with the adapter of this index, −1 for none.</summary>
    public float[] Run(QuantizedLinearKernel kernel, float[] rows, int[] adapters, bool gated = false, float[]? norm = null)
    {
        AdapterWeights?[] perRow = [.. adapters.Select(index => index < 0 ? null : _adapters[index])];
        _linears.Set(perRow, [.. Enumerable.Range(0, perRow.Length + 1)]);
        return _linear.Run(rows, gated, argument =>
        {
            var step = (QuantizedLinearStep*)argument;
            fixed (float* weight = norm)
            {
                step->NormWeight = weight;
                step->Epsilon = Epsilon;
                if (_linears.TryBegin(_linears.Find("linear")!, step->Rows, out var adapted))
                    QuantizedLinearPlan.Reserve(step, &adapted);
                kernel.Run(step);
            }
        });
    }

    /// <summary>B · (A · row) in double precision [rows, outputs].</summary>
    public double[] Added(float[] rows, int[] adapters)
    {
        var added = new double[adapters.Length * _linear.Outputs];
        for (var row = 0; row < adapters.Length; row++)
        {
            foreach (var (part, down, up) in adapters[row] < 0 ? [] : _parts[adapters[row]])
            {
                for (var rank = 0; rank < part.Rank; rank++)
                {
                    var product = 0.0;
                    for (var k = 0; k < _linear.Inputs; k++)
                        product += (double)down[(rank * _linear.Inputs) + k] * rows[(row * _linear.Inputs) + k];
                    for (var n = 0; n < part.Outputs; n++)
                        added[(row * _linear.Outputs) + part.Output + n] += up[(n * part.Rank) + rank] * product;
                }
            }
        }

        return added;
    }

    public void Dispose()
    {
        foreach (var adapter in _adapters)
            adapter.Dispose();
    }

    private static float[] Numbers(Random random, int count, bool isNarrow)
    {
        var numbers = new float[count];
        for (var i = 0; i < count; i++)
        {
            var number = 0.2f * ((float)random.NextDouble() - 0.5f);
            numbers[i] = isNarrow ? BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(number) & 0xFFFF0000) : number;
        }

        return numbers;
    }
}
