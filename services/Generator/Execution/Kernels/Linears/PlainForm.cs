using Parley.PackageFormat;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>Codes that are numbers, in groups of 32 and more.</summary>
internal readonly struct PlainForm : ITileForm
{
    public static int RunVectors => QuantizedTile.RunInputs / QuantizedLinearLayout.VectorInputs;

    public static bool HasLevels => false;
}
