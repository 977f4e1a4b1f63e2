using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>
/// A matrix of numbers of 8 bits (F8_E4M3), or a stack of such, multiplied by a scale for all of it or for each block; the last block of a
/// row or column may be smaller.
/// </summary>
internal sealed class Float8Source : TensorSource
{
    private readonly StoredSource _codes;
    private readonly StoredNumbers _scales;
    private readonly (long Rows, long Columns) _block;
    private readonly int _blocksPerRow;
    private readonly long _rowBlocks;
    private readonly long _rows;
    private readonly long _columns;

    /// <param name="codes">The matrix, or [matrices, rows, columns].</param>
    /// <param name="scales">One number, or one for each block; of a stack for each matrix.</param>
    /// <param name="block">Size of a block; null for one scale.</param>
    /// <exception cref="InvalidDataException">The two do not fit each other; the message names file, tensor, wanted and found.</exception>
    public Float8Source(StoredSource codes, StoredNumbers scales, (int Rows, int Columns)? block)
    {
        (_codes, _scales) = (codes, scales);
        if (codes.TypeName != Float8.E4M3 || codes.Shape.Count is not (2 or 3) || codes.Shape.Any(size => size is < 1 or > int.MaxValue))
        {
            throw new InvalidDataException($"{codes.File.Path}: tensor {codes.StoredName} is {codes.TypeName} {codes.ShapeText}; "
                + $"what {scales.Source.StoredName} scales is a matrix in F8_E4M3.");
        }

        (_rows, _columns) = (codes.Shape[^2], codes.Shape[^1]);
        _block = block ?? (_rows, _columns);
        _blocksPerRow = (int)((_columns + _block.Columns - 1) / _block.Columns);
        _rowBlocks = (_rows + _block.Rows - 1) / _block.Rows;
        var (found, matrices) = (scales.Source.Shape, codes.Shape.Count == 3 ? codes.Shape[0] : 1);
        long[] wanted = [.. codes.Shape.SkipLast(2), _rowBlocks, _blocksPerRow];
        if (!(block is null ? found.Aggregate(1L, (product, size) => product * size) == matrices : found.SequenceEqual(wanted)))
        {
            throw new InvalidDataException(
                $"{scales.Source.File.Path}: tensor {scales.Source.StoredName} has the shape {scales.Source.ShapeText}; "
                + (block is null ? "a scale for a whole matrix is one number."
                    : $"blocks of {_block.Rows} × {_block.Columns} of {codes.ShapeText} ask for [{string.Join(", ", wanted)}]."));
        }
    }

    public override ITensorFile File => _codes.File;

    public override string StoredName => _codes.StoredName;

    public override string TypeName => _codes.TypeName;

    public override IReadOnlyList<long> Shape => _codes.Shape;

    public override bool IsRounded => true;

    public override void Check()
    {
    }

    public override void Read(TensorReading? reading, long first, Span<float> values)
    {
        Span<float> scales = _blocksPerRow <= 256 ? stackalloc float[_blocksPerRow] : new float[_blocksPerRow];
        Span<byte> bytes = new byte[values.Length];
        _codes.ReadBytes(reading, first, bytes);
        var known = -1L;
        for (var i = 0; i < values.Length;)
        {
            var (row, column) = Math.DivRem(first + i, _columns);
            var scaleRow = (row / _rows * _rowBlocks) + (row % _rows / _block.Rows);
            if (scaleRow != known)
                _scales.Read(reading, (known = scaleRow) * _blocksPerRow, scales);
            var block = column / _block.Columns;
            var end = (int)Math.Min(values.Length, i + Math.Min(_columns, (block + 1) * _block.Columns) - column);
            for (var scale = scales[(int)block]; i < end; i++)
                values[i] = Float8.E4M3Values[bytes[i]] * scale;
        }
    }
}
