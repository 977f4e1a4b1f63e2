namespace Parley.PackageFormat;

/// <summary>How the rotation of a token depends on the length of its whole sequence.</summary>
/// <param name="Kind"><c>longrope</c> or <c>dynamic</c>.</param>
/// <param name="Border">Tokens up to which it does not.</param>
public sealed record PositionRule(string Kind, int Border)
{
    /// <summary>Sequences beyond the border have other frequencies, for all their tokens: who grows over it is computed anew.</summary>
    public const string LongRope = "longrope";

    /// <summary>Sequences whose prompt is beyond the border have frequencies by the length of that prompt, and keep them.</summary>
    public const string Dynamic = "dynamic";
}
