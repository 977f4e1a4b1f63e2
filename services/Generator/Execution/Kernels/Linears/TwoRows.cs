namespace Parley.Generator.Execution.Kernels.Linears;

internal readonly struct TwoRows : ITileRows
{
    public static int Count => 2;
}
