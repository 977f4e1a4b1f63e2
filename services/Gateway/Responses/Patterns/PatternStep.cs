namespace Parley.Gateway.Responses.Patterns;

/// <summary>One instruction of a compiled pattern.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Next">Where a split goes first, or a jump goes; the slot of a save; the group of a reference.</param>
/// <param name="Other">Where a split goes second.</param>
internal readonly record struct PatternStep(PatternStepKind Kind, int Next = 0, int Other = 0)
{
    /// <summary>What <see cref="PatternStepKind.One"/> reads.</summary>
    public CharacterSet? Set { get; init; }

    /// <summary>What <see cref="PatternStepKind.Place"/> asks.</summary>
    public PatternPlace Place { get; init; }

    /// <summary>What <see cref="PatternStepKind.Look"/> asks.</summary>
    public PatternLook? Look { get; init; }
}
