namespace Parley.Generator.Execution.Kernels.Rows;

/// <summary>How the numbers of a row are stored.</summary>
internal enum RowForm
{
    Float32,

    BFloat16,

    Float16,

    /// <summary>Codes of 8 bits, then scales and minima of groups.</summary>
    Bytes,

    /// <summary>Codes of 4 bits, the low one of a byte first, then scales and minima.</summary>
    Nibbles,
}
