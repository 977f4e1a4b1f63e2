namespace Parley.ModelImporter.Architectures;

/// <summary>In which form a checkpoint holds the weights of its linears.</summary>
internal enum StoredForm
{
    /// <summary>As numbers.</summary>
    Plain,

    /// <summary>Experts in MXFP4, as gpt-oss has them.</summary>
    Mxfp4,

    /// <summary>Numbers of 8 bits with a scale a matrix, or one for each block of it.</summary>
    Fp8,
}
