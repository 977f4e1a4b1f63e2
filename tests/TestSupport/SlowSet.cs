namespace Parley.TestSupport;

/// <summary>Tests that take minutes: a plain <c>dotnet test</c> skips them, <c>.ci/slow</c> runs them and no others.</summary>
public static class SlowSet
{
    /// <summary>The trait that <c>.ci/slow</c> selects by.</summary>
    public static readonly IReadOnlyCollection<KeyValuePair<string, string>> Traits = [new("Set", "Slow")];

    /// <summary>Why a slow test does not run now; null where <c>PARLEY_SLOW_TESTS</c> is 1.</summary>
    public static string? SkipReason => SkipReasonFor(Environment.GetEnvironmentVariable("PARLEY_SLOW_TESTS"));

    /// <summary>The same for a value of that variable.</summary>
    public static string? SkipReasonFor(string? value) =>
        value == "1" ? null : "This test is in the slow set: .ci/slow runs it (or PARLEY_SLOW_TESTS=1).";
}
