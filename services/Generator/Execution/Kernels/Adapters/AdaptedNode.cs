namespace Parley.Generator.Execution.Kernels.Adapters;

/// <summary>By which the node of a linear learns what adapters add to its rows.</summary>
internal sealed unsafe class AdaptedNode
{
    private readonly AdaptedLinears _linears;
    private readonly AdaptedLinear _linear;

    private AdaptedNode(AdaptedLinears linears, AdaptedLinear linear) => (_linears, _linear) = (linears, linear);

    /// <summary>Makes a node known to the session that is being made on this thread.</summary>
    /// <param name="info">The node.</param>
    /// <param name="inputs">Its columns.</param>
    /// <param name="outputs">Its rows, before any gate.</param>
    /// <returns>Null where that session takes no adapters.</returns>
    public static AdaptedNode? Of(void* info, int inputs, int outputs) => AdaptedLinears.Receiving is { } linears
        ? new AdaptedNode(linears, linears.Add(OrtCustomOpApi.GetNodeName(info), inputs, outputs)) : null;

    /// <inheritdoc cref="AdaptedLinears.TryBegin" />
    public bool TryBegin(int rows, out AdapterStep step) => _linears.TryBegin(_linear, rows, out step);
}
