using Parley.PackageFormat;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>Codes that stand for the levels of a table, in groups of 32 and more.</summary>
internal readonly struct LevelForm : ITileForm
{
    public static int RunVectors => QuantizedTile.RunInputs / QuantizedLinearLayout.VectorInputs;

    public static bool HasLevels => true;
}
