namespace Parley.Generator.Adapters;

/// <summary>What adapters may take; the settings say how much.</summary>
/// <param name="Count">Adapters that are served at once.</param>
/// <param name="Bytes">Memory of all, those included that are unloaded and still in use.</param>
/// <param name="Rank">Largest rank of a part.</param>
/// <param name="Precision">How their numbers lie in memory.</param>
internal sealed record AdapterLimits(int Count, long Bytes, int Rank, AdapterPrecision Precision = AdapterPrecision.Exact);
