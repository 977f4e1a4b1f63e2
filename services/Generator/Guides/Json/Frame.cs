using Parley.Generator.Guides.Machines;

namespace Parley.Generator.Guides.Json;

/// <summary>
/// What encloses a value: the object or array that waits for it, and what encloses that. Equal frames are the same object.
/// </summary>
/// <param name="pending">The object or array.</param>
/// <param name="parent">What encloses it; null for the outermost.</param>
/// <param name="begin">Where in the text the value begins, where its text matters; else −1.</param>
internal sealed class Frame(Pending pending, Frame? parent, int begin) : StackFrame
{
    public Pending Pending { get; } = pending;

    public Frame? Parent { get; } = parent;

    public int Begin { get; } = begin;

    /// <inheritdoc/>
    public override bool IsOpen { get; } = pending.IsOpen || pending.ReadsText || (parent?.IsOpen ?? false);

    /// <summary>Whether something depends on the text of this value itself, or on that of one that encloses it.</summary>
    public bool ReadsText { get; } = pending.ReadsText || (parent?.ReadsText ?? false);

    /// <summary>States of the value of which that is known.</summary>
    public Dictionary<JsonState, bool> Live { get; } = [];

    /// <summary>Frames within this one.</summary>
    public Dictionary<(Pending, int), Frame> Inner { get; } = [];
}
