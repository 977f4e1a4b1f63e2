using System.Numerics.Tensors;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Adapters;

/// <summary>A bias with that of an adapter added to it.</summary>
/// <param name="whole">The bias [outputs].</param>
/// <param name="update">What is added [outputs].</param>
/// <param name="scale">By what it is multiplied first.</param>
internal sealed class BiasSource(TensorSource whole, TensorSource update, double scale) : TensorSource
{
    public override ITensorFile File => whole.File;

    public override string StoredName => whole.StoredName;

    public override string TypeName => "F32";

    public override IReadOnlyList<long> Shape => whole.Shape;

    public override void Check()
    {
        whole.Check();
        update.Check();
    }

    public override void Read(TensorReading? reading, long first, Span<float> values)
    {
        var added = new float[values.Length];
        update.Read(reading: null, first, added);
        whole.Read(reading, first, values);
        TensorPrimitives.MultiplyAdd<float>(added, (float)scale, values, values);
    }
}
