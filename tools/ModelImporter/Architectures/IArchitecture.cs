namespace Parley.ModelImporter.Architectures;

/// <summary>What the importer must know of one family of checkpoints. The seam for new families: one file each.</summary>
internal interface IArchitecture
{
    /// <summary>The class that transformers computes it with, e.g. <c>LlamaForCausalLM</c>.</summary>
    string Name { get; }

    /// <summary><c>model_type</c> in <c>config.json</c>: as in transformers, what decides.</summary>
    string ModelType { get; }

    /// <summary>Ids that end an answer where no file says any: those of transformers' configuration class.</summary>
    IReadOnlyList<int> ClassEnds { get; }

    /// <summary>Reads and validates the family's fields.</summary>
    /// <exception cref="InvalidDataException">A field is missing, malformed or asks for what the graph does not do.</exception>
    DecoderConfig ReadConfig(ConfigFile config);

    /// <summary>Names the family's tensors.</summary>
    DecoderWeights Weights(DecoderConfig config);

    /// <summary>The name that a checkpoint's tensor has among the known ones; its own where it has none.</summary>
    string Rename(string tensor, IReadOnlySet<string> known);

    /// <summary>Whether a tensor outside <see cref="Weights"/> may be left out without changing an answer.</summary>
    bool Ignores(string tensor, DecoderConfig config);
}
