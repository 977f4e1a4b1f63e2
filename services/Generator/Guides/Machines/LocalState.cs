namespace Parley.Generator.Guides.Machines;

/// <summary>Where a text stands within the value that is being written, what encloses it aside. Equal states are the same object.</summary>
internal abstract class LocalState;
