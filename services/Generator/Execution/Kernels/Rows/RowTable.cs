using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution.Kernels.Rows;

/// <summary>A constant table of a node, where it lies in the mapped package.</summary>
/// <param name="Bytes">Address of the first row.</param>
/// <param name="Rows">Rows.</param>
/// <param name="Columns">Numbers of a row.</param>
/// <param name="RowBytes">Bytes from one row to the next.</param>
/// <param name="Form">How numbers are stored.</param>
/// <param name="Group">Numbers of a scale; 0 where there are none.</param>
/// <param name="HasMinima">Whether groups have minima, behind all scales.</param>
internal sealed record RowTable(IntPtr Bytes, long Rows, int Columns, long RowBytes, RowForm Form, int Group, bool HasMinima)
{
    private const int ColumnsMax = 1 << 24;

    /// <summary>Reads a node's attributes and constant, and tells the system that rows are read here and there.</summary>
    /// <exception cref="NotSupportedException">They do not fit each other.</exception>
    public static unsafe RowTable Read(void* info, int input)
    {
        var columns = OrtCustomOpApi.GetInteger(info, "K\0"u8, 0);
        if (columns is < 1 or > ColumnsMax)
            throw new NotSupportedException($"K is {columns}, not from 1 to {ColumnsMax}");
        var (form, group, minima) = ReadForm(info, columns);
        var bytes = form switch
        {
            RowForm.Float32 => columns * sizeof(float),
            RowForm.BFloat16 or RowForm.Float16 => columns * sizeof(ushort),
            _ => (form == RowForm.Bytes ? columns : columns / 2) + (columns / group * (minima ? 2 : 1) * sizeof(ushort)),
        };
        Span<long> shape = stackalloc long[2];
        var table = OrtCustomOpApi.GetConstant(info, input, shape);
        if (table is null || shape[1] != bytes)
            throw new NotSupportedException($"rows of {shape[1]} bytes do not fit {columns} numbers, which take {bytes}");
        MappedRows.ReadSparsely(table, shape[0] * shape[1]);
        return new RowTable((IntPtr)table, shape[0], (int)columns, bytes, form, group, minima);
    }

    private static unsafe (RowForm Form, int Group, bool HasMinima) ReadForm(void* info, long columns)
    {
        var bits = OrtCustomOpApi.GetInteger(info, "bits\0"u8, 0);
        if (bits == 0)
        {
            return OrtCustomOpApi.GetInteger(info, "type\0"u8, (long)TensorElementType.Float) switch
            {
                (long)TensorElementType.Float => (RowForm.Float32, 0, false),
                (long)TensorElementType.BFloat16 => (RowForm.BFloat16, 0, false),
                (long)TensorElementType.Float16 => (RowForm.Float16, 0, false),
                var type => throw new NotSupportedException($"type is {type}, none of float32, bfloat16 and float16"),
            };
        }

        var group = OrtCustomOpApi.GetInteger(info, "group\0"u8, 0);
        if (bits is not (4 or 8) || group is not (16 or 32 or 64 or 128) || columns % group != 0)
            throw new NotSupportedException($"bits {bits} and group {group} must be 4 or 8, and 16, 32, 64 or 128 that divide K {columns}");
        var minima = OrtCustomOpApi.GetInteger(info, "minima\0"u8, 0);
        return minima is 0 or 1 ? (bits == 8 ? RowForm.Bytes : RowForm.Nibbles, (int)group, minima == 1)
            : throw new NotSupportedException($"minima is {minima}, neither 0 nor 1");
    }
}
