namespace Parley.ModelImporter.Inspection;

/// <summary>What the weights of a model take in one precision.</summary>
/// <param name="Precision">fp32, int8, w8a8 or int4.</param>
/// <param name="Bytes">Length of model.data; null where the model's widths do not allow the precision.</param>
public sealed record PrecisionSize(string Precision, long? Bytes);
