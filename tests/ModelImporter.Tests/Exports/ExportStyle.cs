namespace Parley.ModelImporter.Tests.Exports;

/// <summary>How an exporter lays a Llama out.</summary>
internal sealed record ExportStyle
{
    /// <summary>By onnxruntime-genai's builder, with shared buffers; else by optimum, with growing caches.</summary>
    public bool IsGenai { get; init; } = true;

    /// <summary>Bits of the matrices: 4 or 8, in MatMulNBits; 0 for numbers.</summary>
    public int Bits { get; init; }

    public int Block { get; init; } = 32;

    /// <summary>Whether blocks have zero points of their own.</summary>
    public bool HasZeroPoints { get; init; }

    /// <summary>Whether queries, keys and values are one matrix.</summary>
    public bool IsPacked { get; init; }

    /// <summary>Whether everything is of half precision.</summary>
    public bool IsHalf { get; init; }

    /// <summary>Whether the graph has transformers.js' input of how many logits are wanted.</summary>
    public bool KeepsLogits { get; init; }

    /// <summary>Whether a cast behind the head gives float.</summary>
    public bool CastsLogits { get; init; }

    public override string ToString() => $"{(IsGenai ? "genai" : "optimum")} {Bits} b{Block}{(HasZeroPoints ? " zeros" : "")}"
        + $"{(IsPacked ? " packed" : "")}{(IsHalf ? " half" : "")}{(KeepsLogits ? " keep" : "")}{(CastsLogits ? " cast" : "")}";
}
