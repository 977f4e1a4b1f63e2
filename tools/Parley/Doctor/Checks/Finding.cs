namespace Parley.Cli.Doctor.Checks;

/// <summary>One line of the report.</summary>
/// <param name="Check">What was looked at, e.g. <c>memory</c>.</param>
/// <param name="Status">How it bears on serving.</param>
/// <param name="Fact">What was found.</param>
/// <param name="Advice">What to do; null where nothing is.</param>
internal sealed record Finding(string Check, FindingStatus Status, string Fact, string? Advice)
{
    public static Finding Ok(string check, string fact) => new(check, FindingStatus.Ok, fact, null);

    public static Finding Warning(string check, string fact, string advice) => new(check, FindingStatus.Warning, fact, advice);

    public static Finding Fault(string check, string fact, string advice) => new(check, FindingStatus.Fault, fact, advice);
}
