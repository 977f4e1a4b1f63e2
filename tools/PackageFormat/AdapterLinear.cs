namespace Parley.PackageFormat;

/// <summary>What an adapter adds to one linear of the graph: y[part] += B · (A · x), for each part.</summary>
/// <param name="Node">Name of the node in <c>model.onnx</c> that multiplies, e.g. <c>layers.0.qkv</c>.</param>
/// <param name="Inputs">Inputs of that node, which are the columns of every A.</param>
/// <param name="Parts">Runs of the node's outputs, ascending, none over another. Rows that no part covers get nothing.</param>
public sealed record AdapterLinear(string Node, int Inputs, IReadOnlyList<AdapterPart> Parts)
{
    /// <summary>Outputs that the node has at least.</summary>
    public long OutputsMin() => Parts.Max(part => (long)part.Output + part.Outputs);

    /// <summary>What is wrong in it, whatever its base; null for nothing.</summary>
    internal string? Fault(long bytes, int partsLimit, int widthLimit)
    {
        if (Node.Length == 0)
            return "node is empty.";
        if (Inputs < 1 || Inputs > widthLimit)
            return $"inputs is {Inputs}, not 1 to {widthLimit}.";
        if (Parts.Count == 0 || Parts.Count > partsLimit)
            return $"parts has {Parts.Count} entries, not 1 to {partsLimit}.";
        var end = 0L;
        foreach (var (index, part) in Parts.Index())
        {
            if (part is null)
                return $"parts[{index}] is null.";
            if (part.Output < end)
                return $"parts[{index}].output is {part.Output}, before row {end} where it may begin.";
            if (part.Fault(Inputs, bytes, widthLimit) is { } fault)
                return $"parts[{index}].{fault}";
            end = (long)part.Output + part.Outputs;
        }

        return null;
    }
}
