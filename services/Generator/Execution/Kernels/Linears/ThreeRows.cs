namespace Parley.Generator.Execution.Kernels.Linears;

internal readonly struct ThreeRows : ITileRows
{
    public static int Count => 3;
}
