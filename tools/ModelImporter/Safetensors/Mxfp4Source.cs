using Parley.PackageFormat;

namespace Parley.ModelImporter.Safetensors;

/// <summary>
/// Weights of four bits in groups of 32 with a power of two each, as gpt-oss stores them: codes U8 [matrices, rows, groups, 16], the even
/// weight in the low nibble, and exponents U8 [matrices, rows, groups], which count from 127.
/// </summary>
internal sealed class Mxfp4Source : TensorSource
{
    private const int Group = 32;

    /// <summary>The levels are doubled so that they are whole.</summary>
    private const int HalfExponent = 128;

    private static readonly StoredGrid Floats = new(4, Group, Levels: LevelTable.Fp4);

    private readonly StoredSource _codes;
    private readonly StoredSource _exponents;
    private readonly int _groups;

    /// <exception cref="InvalidDataException">The two do not fit each other; the message names file, tensor, wanted and found.</exception>
    public Mxfp4Source(StoredSource codes, StoredSource exponents)
    {
        (_codes, _exponents) = (codes, exponents);
        foreach (var source in new[] { codes, exponents })
        {
            if (source.TypeName != "U8")
                throw new InvalidDataException($"{source.File.Path}: tensor {source.StoredName} is {source.TypeName}, not U8.");
        }

        if (codes.Shape is not [_, _, var groups, Group / 2])
        {
            throw new InvalidDataException($"{codes.File.Path}: tensor {codes.StoredName} has the shape {codes.ShapeText}; "
                + "[matrices, rows, groups, 16] is what codes of MXFP4 have.");
        }

        _groups = checked((int)groups);
        if (!exponents.Shape.SequenceEqual(codes.Shape.Take(3)))
        {
            throw new InvalidDataException($"{exponents.File.Path}: tensor {exponents.StoredName} has the shape {exponents.ShapeText}; "
                + $"its codes ask for [{string.Join(", ", codes.Shape.Take(3))}].");
        }

        Shape = [codes.Shape[0], codes.Shape[1], groups * Group];
    }

    public override ITensorFile File => _codes.File;

    public override string StoredName => _codes.StoredName;

    public override string TypeName => "MXFP4";

    public override IReadOnlyList<long> Shape { get; }

    public override StoredGrid? Grid => Floats;

    public override void Check()
    {
    }

    public override void Read(TensorReading? reading, long first, Span<float> values)
    {
        var columns = _groups * Group;
        Span<byte> codes = new byte[columns];
        Span<float> scales = new float[_groups];
        Span<float> row = new float[columns];
        while (values.Length > 0)
        {
            var (index, column) = (first / columns, (int)(first % columns));
            ReadGrid(reading, checked((int)index), codes, scales, []);
            Floats.Widen(codes, scales, [], row);
            var count = Math.Min(values.Length, columns - column);
            row.Slice(column, count).CopyTo(values);
            first += count;
            values = values[count..];
        }
    }

    public override void ReadGrid(TensorReading? reading, int row, Span<byte> codes, Span<float> scales, Span<float> minimums)
    {
        Span<byte> pairs = new byte[codes.Length / 2];
        Span<byte> exponents = new byte[_groups];
        _codes.ReadBytes(reading, (long)row * pairs.Length, pairs);
        _exponents.ReadBytes(reading, (long)row * _groups, exponents);
        for (var i = 0; i < pairs.Length; i++)
            (codes[2 * i], codes[(2 * i) + 1]) = ((byte)(pairs[i] & 15), (byte)(pairs[i] >> 4));
        for (var g = 0; g < _groups; g++)
            scales[g] = MathF.ScaleB(1, exponents[g] - HalfExponent);
    }
}
