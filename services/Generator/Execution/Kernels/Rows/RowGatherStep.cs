using System.Numerics.Tensors;
using System.Runtime.CompilerServices;

namespace Parley.Generator.Execution.Kernels.Rows;

/// <summary>The arguments of a look-up as plain pointers, and the body of its loop.</summary>
internal unsafe struct RowGatherStep
{
    public byte* Table;
    public long RowBytes;
    public int Columns;
    public RowForm Form;
    public int Group;
    public bool HasMinima;
    public float Scale;

    /// <summary>Rows to look up.</summary>
    public long* Ids;

    /// <summary>Added to the rows [ids, columns]; null for nothing.</summary>
    public float* Added;

    /// <summary>[ids, columns].</summary>
    public float* Output;

    /// <summary>Looks up the row of an index.</summary>
    public static void Run(void* argument, nint index)
    {
        var step = (RowGatherStep*)argument;
        var columns = step->Columns;
        var row = new Span<float>(step->Output + (index * columns), columns);
        step->Read(step->Table + (step->Ids[index] * step->RowBytes), row);
        if (step->Added is null)
            TensorPrimitives.Multiply(row, step->Scale, row);
        else
            TensorPrimitives.MultiplyAdd(row, step->Scale, new ReadOnlySpan<float>(step->Added + (index * columns), columns), row);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Read(byte* stored, Span<float> row)
    {
        switch (Form)
        {
            case RowForm.Float32:
                new ReadOnlySpan<float>(stored, row.Length).CopyTo(row);
                return;
            case RowForm.BFloat16:
                for (var i = 0; i < row.Length; i++)
                    row[i] = BitConverter.UInt32BitsToSingle((uint)((ushort*)stored)[i] << 16);
                return;
            case RowForm.Float16:
                TensorPrimitives.ConvertToSingle(new ReadOnlySpan<Half>(stored, row.Length), row);
                return;
        }

        var (isBytes, groups) = (Form == RowForm.Bytes, row.Length / Group);
        var scales = (Half*)(stored + (isBytes ? row.Length : row.Length / 2));
        for (var group = 0; group < groups; group++)
        {
            var scale = (float)scales[group];
            var minimum = HasMinima ? (float)scales[groups + group] : scale * (isBytes ? -128 : -8);
            for (var i = group * Group; i < (group + 1) * Group; i++)
            {
                var code = isBytes ? stored[i] : (stored[i / 2] >> (i % 2 * 4)) & 15;
                row[i] = (code * scale) + minimum;
            }
        }
    }
}
