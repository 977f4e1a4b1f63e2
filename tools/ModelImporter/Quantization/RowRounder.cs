namespace Parley.ModelImporter.Quantization;

/// <summary>Rounds a row of a linear to 4 bits: weight = (code − 8) · scale + offset. Called from any thread, in any order.</summary>
/// <param name="row">Row among all parts of the linear.</param>
/// <param name="weights">The row.</param>
/// <param name="codes">Takes one byte per two weights, the even one in the low nibble.</param>
/// <param name="scales">
/// Takes one scale per group; as <paramref name="offsets"/> minus 8 scales (the group's minimum) it is a number of half precision.
/// </param>
/// <param name="offsets">Takes one offset per group.</param>
internal delegate void RowRounder(int row, ReadOnlySpan<float> weights, Span<byte> codes, Span<float> scales, Span<float> offsets);
