using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Quantization;

/// <summary>Rows that a file holds as codes, taken over into the same grid or one that holds it; never rounded again.</summary>
internal static class KeptGrid
{
    /// <summary>
    /// Takes a row over. Scales and minimums that are no numbers of half precision (those of super-blocks are products) are rounded to it,
    /// which is at most a 2,048th of each; below 6e-5 at most 3e-8.
    /// </summary>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="matrix">The matrix that takes it.</param>
    /// <param name="row">Row among all its parts.</param>
    /// <param name="codes">Takes one byte per weight.</param>
    /// <param name="scales">Takes one scale per group.</param>
    /// <param name="minimums">Takes one minimum per group; empty where the matrix has none.</param>
    /// <exception cref="InvalidDataException">A scale or minimum is beyond the range of a half.</exception>
    public static void Read(
        CheckpointTensors tensors, PackedMatrix matrix, int row, Span<byte> codes, Span<Half> scales, Span<Half> minimums)
    {
        var (part, partRow) = matrix.Linear.Find(row);
        var stored = tensors.GridOf(part.Weight)!;
        Span<float> given = new float[2 * scales.Length];
        Span<float> givenMinimums = given[scales.Length..];
        tensors.ReadGrid(part.Weight, partRow, codes, given[..scales.Length], givenMinimums);
        for (var g = 0; g < scales.Length; g++)
            scales[g] = matrix.Half(given[g], part.Weight);
        for (var g = 0; g < minimums.Length; g++)
        {
            var minimum = stored.HasMinima ? givenMinimums[g] : -matrix.Grid.Middle * (float)scales[g];
            minimums[g] = matrix.Half(minimum, part.Weight);
        }

        if (matrix.Grid.Bits > stored.Bits)
            Spell(stored, codes);
    }

    private static void Spell(StoredGrid stored, Span<byte> codes)
    {
        Span<byte> bytes = stackalloc byte[1 << stored.Bits];
        for (var code = 0; code < bytes.Length; code++)
            bytes[code] = stored.ByteOf((byte)code);
        for (var i = 0; i < codes.Length; i++)
            codes[i] = bytes[codes[i]];
    }
}
