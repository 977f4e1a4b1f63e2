namespace Parley.Gateway.Upstream;

/// <summary>What became of an adapter that was loaded or unloaded.</summary>
/// <param name="SequencesLeft">Sequences that still run with the one that has lost its name.</param>
/// <param name="Replaced">One of the same name has given way.</param>
internal sealed record AdapterChange(uint SequencesLeft, bool Replaced = false);
