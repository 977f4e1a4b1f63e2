namespace Parley.ModelImporter.Quantization;

/// <summary>Gives the codes of a row of a <see cref="PackedMatrix"/>. Called from any thread, in any order.</summary>
/// <param name="row">Row among all parts of the matrix.</param>
/// <param name="codes">Takes one byte per weight.</param>
/// <param name="scales">Takes one scale per group.</param>
/// <param name="minimums">Takes one minimum per group; empty where the matrix has none.</param>
internal delegate void RowCoder(int row, Span<byte> codes, Span<Half> scales, Span<Half> minimums);
