namespace Parley.Generator.Guides.Json;

/// <summary>Where a text stands: the value that is being written, and what encloses it.</summary>
/// <param name="State">Within the value.</param>
/// <param name="Frame">What encloses it; null for nothing.</param>
internal readonly record struct Place(LocalState State, Frame? Frame);
