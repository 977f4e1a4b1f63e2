namespace Parley.ModelImporter.Safetensors;

/// <summary>
/// A matrix of numbers of 8 bits (F8_E4M3), multiplied by a scale for all of it or for each block; the last block of a row or column may be
/// smaller.
/// </summary>
internal sealed class Fp8Source : TensorSource
{
    private static readonly float[] Values = [.. Enumerable.Range(0, 256).Select(Value)];

    private readonly StoredSource _codes;
    private readonly StoredSource _scales;
    private readonly (int Rows, int Columns) _block;
    private readonly long _blocksPerRow;
    private readonly Lock _lock = new();
    private float[]? _read;

    /// <param name="codes">The matrix.</param>
    /// <param name="scales">One number, or one for each block.</param>
    /// <param name="block">Size of a block; null for one scale.</param>
    /// <exception cref="InvalidDataException">The two do not fit each other; the message names file, tensor, wanted and found.</exception>
    public Fp8Source(StoredSource codes, StoredSource scales, (int Rows, int Columns)? block)
    {
        (_codes, _scales) = (codes, scales);
        if (codes.TypeName != "F8_E4M3" || codes.Shape is not [var rows, var columns])
        {
            throw new InvalidDataException($"{codes.File.Path}: tensor {codes.StoredName} is {codes.TypeName} {codes.ShapeText}; "
                + $"what {scales.StoredName} scales is a matrix in F8_E4M3.");
        }

        scales.Check();
        _block = block ?? (checked((int)rows), checked((int)columns));
        _blocksPerRow = (columns + _block.Columns - 1) / _block.Columns;
        long[] wanted = [(rows + _block.Rows - 1) / _block.Rows, _blocksPerRow];
        if (!(block is null ? scales.Shape.All(size => size == 1) : scales.Shape.SequenceEqual(wanted)))
        {
            throw new InvalidDataException($"{scales.File.Path}: tensor {scales.StoredName} has the shape {scales.ShapeText}; "
                + (block is null ? "a scale for the whole matrix is one number."
                    : $"blocks of {_block.Rows} × {_block.Columns} of {codes.ShapeText} ask for [{string.Join(", ", wanted)}]."));
        }
    }

    public override ITensorFile File => _codes.File;

    public override string StoredName => _codes.StoredName;

    public override string TypeName => _codes.TypeName;

    public override IReadOnlyList<long> Shape => _codes.Shape;

    public override void Check()
    {
    }

    public override void Read(TensorReading? reading, long first, Span<float> values)
    {
        var scales = Scales(reading);
        Span<byte> bytes = new byte[values.Length];
        _codes.ReadBytes(reading, first, bytes);
        var columns = Shape[1];
        for (var i = 0; i < values.Length; i++)
        {
            var (row, column) = Math.DivRem(first + i, columns);
            values[i] = Values[bytes[i]] * scales[(row / _block.Rows * _blocksPerRow) + (column / _block.Columns)];
        }
    }

    private float[] Scales(TensorReading? reading)
    {
        lock (_lock)
        {
            if (_read is null)
            {
                var scales = new float[Math.Max(1, _scales.Shape.Aggregate(1L, (product, size) => product * size))];
                _scales.Read(reading, 0, scales);
                _read = scales;
            }

            return _read;
        }
    }

    /// <summary>A sign, four bits of exponent, three of fraction; no infinity, and all ones are no number.</summary>
    private static float Value(int code)
    {
        var (exponent, fraction) = (code >> 3 & 15, code & 7);
        var magnitude = (code & 127) == 127 ? float.NaN
            : exponent == 0 ? MathF.ScaleB(fraction, -9) : MathF.ScaleB(8 + fraction, exponent - 10);
        return code >= 128 ? -magnitude : magnitude;
    }
}
