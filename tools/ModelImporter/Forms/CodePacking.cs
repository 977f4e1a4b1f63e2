namespace Parley.ModelImporter.Forms;

/// <summary>How the codes of a row lie in its bytes.</summary>
internal enum CodePacking
{
    /// <summary>Bit after bit, the low ones first, across the borders of bytes and words.</summary>
    Bits,

    /// <summary>As many whole codes to a word of 32 bits as it holds, the low ones first.</summary>
    Words,

    /// <summary>Two codes of 4 bits to a byte, the high one first.</summary>
    HighNibbleFirst,

    /// <summary>A signed byte each; 128 is added to make a code of it.</summary>
    SignedBytes,
}
