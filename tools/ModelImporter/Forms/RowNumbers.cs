using System.Numerics.Tensors;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>Numbers that are stored [rows, groups], or one for a row, or one for all.</summary>
/// <param name="numbers">As they are stored.</param>
internal sealed class RowNumbers(StoredNumbers numbers) : GroupNumbers
{
    private const int ChunkNumbers = 1 << 16;

    /// <summary>Numbers that are stored for a row: those of its groups, or 1 for all of it.</summary>
    public required int PerRow { get; init; }

    /// <summary>One number is that of all rows.</summary>
    public bool IsSingle { get; init; }

    /// <summary>What is multiplied with each number.</summary>
    public float Factor { get; init; } = 1;

    /// <summary>What each number is divided by.</summary>
    public float Divisor { get; init; } = 1;

    /// <summary>What is added to each number.</summary>
    public float Added { get; init; }

    /// <summary>Whether they are zero points, which may all be the same.</summary>
    public bool AreZeroPoints { get; init; }

    public override int? Common => AreZeroPoints && _common.Value is { } common ? common + (int)Added : null;

    private readonly Lazy<int?> _common = new(() => FindCommon(numbers));

    public override void Read(TensorReading? reading, long row, Span<float> target)
    {
        var own = target[..PerRow];
        numbers.Read(reading, IsSingle ? 0 : row * PerRow, own);
        if (Factor != 1)
            TensorPrimitives.Multiply(own, Factor, own);
        if (Divisor != 1)
            TensorPrimitives.Divide(own, Divisor, own);
        if (Added != 0)
            TensorPrimitives.Add(own, Added, own);
        target[PerRow..].Fill(own[0]);
    }

    private static int? FindCommon(StoredNumbers numbers)
    {
        var count = numbers.Source.Tensor.Elements;
        var read = new float[Math.Min(count, ChunkNumbers)];
        float? common = null;
        for (var first = 0L; first < count; first += read.Length)
        {
            var chunk = read.AsSpan(0, (int)Math.Min(read.Length, count - first));
            numbers.Read(null, first, chunk);
            common ??= chunk[0];
            if (chunk.ContainsAnyExcept(common.Value))
                return null;
        }

        return (int?)common;
    }
}
