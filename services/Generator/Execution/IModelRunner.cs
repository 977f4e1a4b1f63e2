using Parley.Generator.Execution.Kernels.Adapters;
using Parley.PackageFormat;

namespace Parley.Generator.Execution;

/// <summary>
/// The seam between the engine and the device: one model step over a flattened batch of decode rows and prompt chunks.
/// Used by the engine's thread only, but for <see cref="Terminate"/>.
/// </summary>
internal interface IModelRunner : IDisposable
{
    ModelShape Shape { get; }

    /// <summary>Positions per KV block.</summary>
    int BlockTokens { get; }

    /// <summary>KV blocks that the runner owns; block ids are 0 to this number − 1.</summary>
    int BlockCount { get; }

    /// <summary>Slots for the states of sequences, where the model has some; slots are 0 to this number − 1.</summary>
    int StateSlots => 0;

    /// <summary>A checksum of what a slot of states holds, over all layers.</summary>
    ulong StateChecksum(int slot) => 0;

    /// <summary>Where it runs, e.g. <c>CPU (2 threads, AVX-512)</c>.</summary>
    string Device { get; }

    /// <summary>What of the machine and of this build decides the bits of a row, beside the package; threads do not.</summary>
    /// <value>Empty: a row's bits may depend on its company, so no other service is sure to compute them again.</value>
    string Numerics => "";

    /// <summary>Tokens that a step takes at nearly the price of one, each with the very numbers that it has alone.</summary>
    /// <value>1: a second one has its price.</value>
    int FreeTokens => 1;

    /// <summary>Whether blocks that lie behind the windows of all layers are never read, so that they may be given back.</summary>
    bool SkipsBehindWindow => false;

    /// <summary>The model's own head for further tokens; null where it has none, or none is used.</summary>
    IDrafter? Drafter => null;

    /// <summary>The linears to which adapters may add something; null where the runner takes no adapters.</summary>
    AdaptedLinears? Adapted => null;

    /// <summary>Runs one step: writes keys and values of every row into the blocks, returns the logits of the rows asked for.</summary>
    /// <param name="batch">The rows; at least one sequence and one token.</param>
    /// <returns>Logits [LogitRowCount, VocabularySize], valid until the next call. Of a row whose <see cref="StepBatch.LogitBest"/> is n,
    /// the n best and what ties with the last of them are right, and all others are below them.</returns>
    ReadOnlyMemory<float> Run(StepBatch batch);

    /// <summary>Copies all layers of one block over another.</summary>
    void CopyBlock(int source, int destination);

    /// <summary>Makes a running step end with an exception; from any thread. For shutdown.</summary>
    void Terminate();
}
