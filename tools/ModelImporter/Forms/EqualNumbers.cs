using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>The same number for all groups: the zero point of codes around a middle.</summary>
internal sealed class EqualNumbers(int number) : GroupNumbers
{
    public override int? Common => number;

    public override void Read(TensorReading? reading, long row, Span<float> numbers) => numbers.Fill(number);
}
