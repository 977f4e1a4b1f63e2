namespace Parley.ModelImporter.Adapters;

/// <summary>How the two factors of a low-rank product are stored.</summary>
internal enum FactorOrder
{
    /// <summary>A [rank, inputs], B [outputs, rank].</summary>
    Linear,

    /// <summary>The same with the rows of B as llama.cpp has those of queries and keys: the halves of a head side by side.</summary>
    Interleaved,

    /// <summary>Of an embedding: A [rank, vocabulary], B [width, rank].</summary>
    Embedding,

    /// <summary>Of an embedding as llama.cpp has it: A [vocabulary, rank], B [width, rank].</summary>
    EmbeddingRows,
}
