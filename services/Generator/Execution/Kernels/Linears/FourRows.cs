namespace Parley.Generator.Execution.Kernels.Linears;

internal readonly struct FourRows : ITileRows
{
    public static int Count => 4;
}
