namespace Parley.ModelImporter.Architectures;

/// <summary>Which matrix of each expert a tensor holds.</summary>
internal enum ExpertPart
{
    Gate,

    Up,

    /// <summary>Gate, then up; or row by row in turn.</summary>
    GateUp,

    Down,
}
