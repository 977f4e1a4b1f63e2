using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Architectures;

/// <summary>
/// Whether embedding and head are one matrix. <c>tie_word_embeddings</c> asks for it, the tensors decide, by the rules of transformers:
/// both there and different are two matrices, one of them alone serves as both. A GGUF file says it by its tensors alone.
/// </summary>
internal static class HeadTying
{
    private const int ChunkElements = 1 << 18;

    /// <summary>The configuration with the truth about the head; a tied matrix has the embedding's name afterwards.</summary>
    /// <param name="architecture">Names the tensors.</param>
    /// <param name="config">What config.json says.</param>
    /// <param name="tensors">The checkpoint, under the known names.</param>
    /// <exception cref="InvalidDataException">Both are there, of different shapes; the message names one.</exception>
    public static DecoderConfig Resolve(IArchitecture architecture, DecoderConfig config, CheckpointTensors tensors)
    {
        var weights = architecture.Weights(WithTied(config, false));
        var (embedding, head) = (weights.Embedding.Parts[0].Weight, weights.Head.Parts[0].Weight);
        if (!tensors.Contains(head))
            return tensors.Gguf is null ? config : WithTied(config, true);
        if (!config.Shape.TiedEmbeddings)
            return config;
        if (!tensors.Contains(embedding))
        {
            tensors.Rename(name => name == head ? embedding : name);
            return config;
        }

        weights.Embedding.Check(tensors);
        weights.Head.Check(tensors);
        if (AreEqual(tensors, weights.Embedding, weights.Head))
        {
            tensors.Remove(head);
            return config;
        }

        return WithTied(config, false) with
        {
            Notes = [.. config.Notes,
                $"tie_word_embeddings is true, but {head} differs from {embedding}: both are used, as in transformers."],
        };
    }

    private static DecoderConfig WithTied(DecoderConfig config, bool tied) =>
        config with { Shape = config.Shape with { TiedEmbeddings = tied } };

    /// <summary>By value: the two may be stored in different types.</summary>
    private static bool AreEqual(CheckpointTensors tensors, LinearWeights embedding, LinearWeights head)
    {
        var rows = Math.Max(1, ChunkElements / embedding.Inputs);
        var (one, other) = (new float[rows * embedding.Inputs], new float[rows * embedding.Inputs]);
        for (var row = 0; row < embedding.Outputs; row += rows)
        {
            var count = Math.Min(rows, embedding.Outputs - row) * embedding.Inputs;
            embedding.Read(tensors, row, 0, one.AsSpan(0, count));
            head.Read(tensors, row, 0, other.AsSpan(0, count));
            if (!one.AsSpan(0, count).SequenceEqual(other.AsSpan(0, count)))
                return false;
        }

        return true;
    }
}
