using System.Buffers;
using System.Runtime.InteropServices;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;
using Parley.ModelImporter.Package;

namespace Parley.ModelImporter.Quantization;

/// <summary>
/// Writes a matrix [outputs, inputs] as [inputs, outputs]. Its rows are read whole and once: a block of them is transposed in memory, and
/// each column of the block is a run of the file. So a source that no longer fits into the page cache comes from the disk once, too.
/// </summary>
internal static class TransposedMatrix
{
    /// <summary>What is held at most beside one tile a thread, whatever the model and the number of threads.</summary>
    public const int BlockBytes = 128 << 20;

    /// <summary>A tile's columns are so many bytes wide, which is two cache lines: no two threads write to one.</summary>
    private const int TileBytes = 128;

    /// <summary>Keeps the rows of a tile apart in the cache where their length is a power of two.</summary>
    private const int PaddingBytes = 64;

    private const int PageBytes = 4096;
    private const int RunsPerTask = 64;

    /// <summary>Reads a row in the type that is stored; called from any thread, once for each row.</summary>
    public delegate void RowReader<T>(int row, Span<T> values);

    /// <summary>Fills the target.</summary>
    /// <param name="linear">The matrix.</param>
    /// <param name="target">Where it goes.</param>
    /// <param name="data">The file.</param>
    /// <param name="options">Threads and the end of the work.</param>
    /// <param name="read">Reads a row.</param>
    /// <param name="blockBytes">Length of a block of rows at most, unless one row is longer.</param>
    public static void Write<T>(
        LinearWeights linear, TensorTarget target, DataFile data, ParallelOptions options, RowReader<T> read, int blockBytes = BlockBytes)
        where T : unmanaged
    {
        var rows = RowsPerBlock(linear, Marshal.SizeOf<T>(), blockBytes);
        var block = ArrayPool<T>.Shared.Rent(rows * linear.Inputs);
        for (var first = 0; first < linear.Outputs; first += rows)
        {
            var count = Math.Min(rows, linear.Outputs - first);
            Transpose(linear.Inputs, first, count, block, options, read);
            WriteRuns(linear, first, count, block, target, data, options);
        }

        ArrayPool<T>.Shared.Return(block);
    }

    /// <summary>
    /// As many rows as the memory holds; where they do not all fit, runs are whole pages of the file if they are long enough.
    /// </summary>
    private static int RowsPerBlock(LinearWeights linear, int size, int blockBytes)
    {
        var rows = Math.Clamp(blockBytes / size / linear.Inputs, 1, linear.Outputs);
        var page = PageBytes / size;
        return rows < linear.Outputs && rows > page ? rows / page * page : rows;
    }

    private static void Transpose<T>(int inputs, int first, int count, T[] block, ParallelOptions options, RowReader<T> read)
        where T : unmanaged
    {
        var (size, stride) = (TileBytes / Marshal.SizeOf<T>(), inputs + (PaddingBytes / Marshal.SizeOf<T>()));
        Parallel.For(0, (count + size - 1) / size, options, tile =>
        {
            var (start, rows) = (tile * size, Math.Min(size, count - (tile * size)));
            var values = ArrayPool<T>.Shared.Rent(size * stride);
            for (var row = 0; row < rows; row++)
                read(first + start + row, values.AsSpan(row * stride, inputs));
            for (var column = 0; column < inputs; column++)
            {
                var run = block.AsSpan((column * count) + start, rows);
                for (var row = 0; row < run.Length; row++)
                    run[row] = values[(row * stride) + column];
            }

            ArrayPool<T>.Shared.Return(values);
        });
    }

    private static void WriteRuns<T>(
        LinearWeights linear, int first, int count, T[] block, TensorTarget target, DataFile data, ParallelOptions options)
        where T : unmanaged
    {
        var size = Marshal.SizeOf<T>();
        Parallel.For(0, (linear.Inputs + RunsPerTask - 1) / RunsPerTask, options, task =>
        {
            var (start, end) = (task * RunsPerTask, Math.Min((task + 1) * RunsPerTask, linear.Inputs));
            // Whole rows of the file lie side by side, in memory and there.
            var columns = count == linear.Outputs ? end - start : 1;
            for (var column = start; column < end; column += columns)
            {
                target.Write(
                    data, (((long)column * linear.Outputs) + first) * size,
                    MemoryMarshal.AsBytes(block.AsSpan(column * count, columns * count)));
            }
        });
    }
}
