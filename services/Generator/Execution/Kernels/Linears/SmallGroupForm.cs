using Parley.PackageFormat;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>Codes that are numbers, in groups of 16.</summary>
internal readonly struct SmallGroupForm : ITileForm
{
    public static int RunVectors => QuantizedLinearLayout.SmallGroup / QuantizedLinearLayout.VectorInputs;

    public static bool HasLevels => false;
}
