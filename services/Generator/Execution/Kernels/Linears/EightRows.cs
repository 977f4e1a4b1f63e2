namespace Parley.Generator.Execution.Kernels.Linears;

internal readonly struct EightRows : ITileRows
{
    public static int Count => 8;
}
