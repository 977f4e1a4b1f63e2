namespace Parley.Generator.Guides.Machines;

/// <summary>Where a text stands: the value that is being written, and what encloses it.</summary>
/// <param name="State">Within the value.</param>
/// <param name="Frame">What encloses it; null for nothing.</param>
internal readonly record struct Place(LocalState State, StackFrame? Frame);
