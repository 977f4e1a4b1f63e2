namespace Parley.Generator.Adapters;

/// <summary>How the numbers of adapters lie in memory.</summary>
internal enum AdapterPrecision
{
    /// <summary>As they come: 16 bits where those hold every number of the adapter, else 32.</summary>
    Exact,

    /// <summary>16 bits, to which they are rounded where that is needed: half the memory and most of the time.</summary>
    Bf16,
}
