using System.Globalization;

namespace Parley.ModelImporter.Gguf;

/// <summary>Element types that the format knows and the importer does not read, so that a refusal can name them.</summary>
internal static class GgufOtherTypes
{
    private static readonly Dictionary<uint, string> Names = new()
    {
        [4] = "Q4_2",
        [5] = "Q4_3",
        [9] = "Q8_1",
        [15] = "Q8_K",
        [16] = "IQ2_XXS",
        [17] = "IQ2_XS",
        [18] = "IQ3_XXS",
        [19] = "IQ1_S",
        [21] = "IQ3_S",
        [22] = "IQ2_S",
        [24] = "I8",
        [25] = "I16",
        [26] = "I32",
        [27] = "I64",
        [28] = "F64",
        [29] = "IQ1_M",
        [31] = "Q4_0_4_4",
        [32] = "Q4_0_4_8",
        [33] = "Q4_0_8_8",
        [34] = "TQ1_0",
        [35] = "TQ2_0",
        [36] = "IQ4_NL_4_4",
        [37] = "IQ4_NL_4_8",
        [38] = "IQ4_NL_8_8",
        [40] = "NVFP4",
    };

    /// <summary>The type's name, or its number.</summary>
    public static string NameOf(uint type) => GgufBlocks.SizeOf((GgufType)type) is not null
        ? ((GgufType)type).ToString()
        : Names.GetValueOrDefault(type) ?? type.ToString(CultureInfo.InvariantCulture);
}
