namespace Parley.Generator.Guides.Json;

/// <summary>Where a text stands within the value that is being written, what encloses it aside. Equal states are the same object.</summary>
internal abstract class LocalState
{
    /// <summary>The ways in which the value can still end; filled by <see cref="CompletionSearch"/>.</summary>
    public Completions? Completions { get; set; }

    /// <summary>Whether the value can still be ended; null while nobody has asked.</summary>
    public bool? CanEnd { get; set; }
}
