namespace Parley.Generator.Execution.Kernels.Linears;

internal readonly struct OneRow : ITileRows
{
    public static int Count => 1;
}
