using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>Codes whose rows lie one after the other, with the numbers of their groups beside them.</summary>
/// <param name="codes">The codes.</param>
/// <param name="scales">Scales.</param>
/// <param name="offsets">Zero points or biases.</param>
internal sealed class RowwiseCodes(StoredCodes codes, GroupNumbers scales, GroupNumbers offsets) : CodeRows
{
    public override StoredSource Codes => codes.Source;

    public override int? Zero => offsets.Common;

    public override void Read(TensorReading? reading, long row, Span<byte> target, Span<float> rowScales, Span<float> rowOffsets)
    {
        codes.Read(reading, row, target);
        scales.Read(reading, row, rowScales);
        offsets.Read(reading, row, rowOffsets);
    }
}
