namespace Parley.ModelImporter.Architectures;

/// <summary>What the importer must know of one family of checkpoints. The seam for new families: one file each.</summary>
internal interface IArchitecture
{
    /// <summary>Entry of <c>architectures</c> in <c>config.json</c>.</summary>
    string Name { get; }

    /// <summary>Reads and validates the family's fields.</summary>
    /// <exception cref="InvalidDataException">A field is missing, malformed or asks for what the graph does not do.</exception>
    DecoderConfig ReadConfig(ConfigFile config);

    /// <summary>Names the family's tensors.</summary>
    DecoderWeights Weights(DecoderConfig config);

    /// <summary>Whether a tensor outside <see cref="Weights"/> may be left out without changing an answer.</summary>
    bool Ignores(string tensor, DecoderConfig config);
}
