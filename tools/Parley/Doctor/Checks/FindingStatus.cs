namespace Parley.Cli.Doctor.Checks;

/// <summary>How a fact bears on serving.</summary>
internal enum FindingStatus
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>It serves, but not as well as it could, or not everything.</summary>
    Warning,

    /// <summary>It cannot serve so.</summary>
    Fault,
}
