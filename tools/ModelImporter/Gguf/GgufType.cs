namespace Parley.ModelImporter.Gguf;

/// <summary>Element types of GGUF tensors that the importer reads; the numbers are the format's.</summary>
internal enum GgufType
{
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q4_1 = 3,
    Q8_0 = 8,
    Q4_K = 12,
    Q6_K = 14,
    BF16 = 30,
}
