namespace Parley.ModelImporter.Graph;

/// <summary>What a linear multiplies: a value, or the residual stream by way of a norm.</summary>
/// <param name="Stream">The residual stream; as a value, one without an update.</param>
/// <param name="Norm">The norm; null for none.</param>
internal sealed record LinearInput(ResidualStream Stream, NormEmitter? Norm)
{
    /// <summary>A value [rows, inputs] as it is.</summary>
    public LinearInput(string value)
        : this(new ResidualStream(value), null)
    {
    }

    /// <summary>Adds the nodes of the norm, or those of the stream's addition.</summary>
    /// <returns>What is multiplied, and the stream with its update.</returns>
    public (string Value, string Residual) Emit(OnnxGraphBuilder graph, string name)
    {
        if (Norm is not null)
            return Norm.Emit(Stream);
        var sum = Stream.Update is null ? Stream.Value : graph.Node($"{name}.sum", "Add", "", [Stream.Value, Stream.Update]);
        return (sum, sum);
    }
}
