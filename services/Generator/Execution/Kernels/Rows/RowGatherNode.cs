namespace Parley.Generator.Execution.Kernels.Rows;

/// <summary>One look-up of a session.</summary>
internal sealed unsafe class RowGatherNode(RowTable table, float scale) : CustomOpNode
{
    public const int TableInput = 1;
    public const int AddedInput = 2;

    /// <summary>Below this many numbers waking other threads costs more than it saves.</summary>
    private const long InlineNumbersMax = 32 * 1024;

    /// <summary>Reads a node.</summary>
    /// <exception cref="NotSupportedException">It asks for what the kernel does not do.</exception>
    public static RowGatherNode Read(void* info)
    {
        var scale = OrtCustomOpApi.GetFloat(info, "scale\0"u8, 1);
        return float.IsFinite(scale) ? new RowGatherNode(RowTable.Read(info, TableInput), scale)
            : throw new NotSupportedException($"scale is {scale}, no number");
    }

    public override string ToString() => RowGatherOp.OpName;

    public override void Compute(void* context)
    {
        long count;
        var ids = (long*)OrtCustomOpApi.GetInput(context, 0, new Span<long>(&count, 1));
        for (var i = 0; i < count; i++)
        {
            if ((ulong)ids[i] >= (ulong)table.Rows)
                throw new InvalidDataException($"index {i} is {ids[i]}, the table has {table.Rows} rows");
        }

        var shape = stackalloc long[2];
        var added = (float*)OrtCustomOpApi.GetInput(context, AddedInput, new Span<long>(shape, 2));
        if (added is not null && (shape[0] != count || shape[1] != table.Columns))
            throw new InvalidDataException($"what is added is [{shape[0]}, {shape[1]}], not [{count}, {table.Columns}]");
        var step = new RowGatherStep
        {
            Table = (byte*)table.Bytes,
            RowBytes = table.RowBytes,
            Columns = table.Columns,
            Form = table.Form,
            Group = table.Group,
            HasMinima = table.HasMinima,
            Scale = scale,
            Ids = ids,
            Added = added,
            Output = (float*)OrtCustomOpApi.GetOutput(context, count, table.Columns),
        };
        ParallelLoop.Run(context, &RowGatherStep.Run, &step, checked((int)count), count * table.Columns > InlineNumbersMax);
    }
}
