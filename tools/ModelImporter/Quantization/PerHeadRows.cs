using Parley.ModelImporter.Architectures;

namespace Parley.ModelImporter.Quantization;

/// <summary>How the rows of a linear per head lie.</summary>
/// <param name="Stride">Columns of a head where rows are those of tokens; those behind the inputs are left out.</param>
/// <param name="InputByHead">Rows lie head by head [heads · tokens, inputs] instead of [tokens, heads · stride].</param>
/// <param name="OutputByHead">The result likewise.</param>
internal sealed record PerHeadRows(int Stride, bool InputByHead, bool OutputByHead)
{
    /// <summary>What every node says of them.</summary>
    /// <param name="heads">The linears as the checkpoint has them.</param>
    public IEnumerable<(string Name, object Value)> Attributes(IReadOnlyList<LinearWeights> heads) =>
    [
        ("num_heads", heads.Count), ("inputs", heads[0].Inputs), ("N", heads[0].Outputs), ("stride", Stride),
        ("input_by_head", InputByHead ? 1 : 0), ("output_by_head", OutputByHead ? 1 : 0),
    ];
}
