using Parley.Generator.Execution.Kernels.Adapters;

namespace Parley.Generator.Adapters;

/// <summary>An adapter in memory, by the name that requests give. The shelf counts who uses it.</summary>
/// <param name="Name">Served name.</param>
/// <param name="Folder">Where it was read from.</param>
/// <param name="Sha256">Hash of its manifest, lower-case hexadecimal.</param>
/// <param name="RankMax">Its largest rank.</param>
/// <param name="LinearCount">Linears that it adds something to.</param>
/// <param name="Weights">Its matrices.</param>
internal sealed record ServedAdapter(
    string Name, string Folder, string Sha256, int RankMax, int LinearCount, AdapterWeights Weights);
