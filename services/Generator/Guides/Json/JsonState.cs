using Parley.Generator.Guides.Machines;

namespace Parley.Generator.Guides.Json;

/// <summary>Where a JSON text stands within the value that is being written, what encloses it aside.</summary>
internal abstract class JsonState : LocalState
{
    /// <summary>The ways in which the value can still end; filled by <see cref="CompletionSearch"/>.</summary>
    public Completions? Completions { get; set; }

    /// <summary>Whether the value can still be ended; null while nobody has asked.</summary>
    public bool? CanEnd { get; set; }
}
