using System.Reflection;

namespace Parley.Aspire.Tests;

/// <summary>Aspire's orchestrator (DCP), a program that comes in a package for the machine's system.</summary>
internal static class Orchestrator
{
    private const string PathKey = "dcpclipath";

    /// <summary>A hang ends the test; nothing is asserted about speed.</summary>
    public static readonly TimeSpan HangTime = TimeSpan.FromMinutes(5);

    /// <summary>Its program; skips the running test where the sample's build has none.</summary>
    public static string Require()
    {
        var path = Assembly.Load("Parley.AspireChat.AppHost").GetCustomAttributes<AssemblyMetadataAttribute>()
            .FirstOrDefault(data => data.Key == PathKey)?.Value;
        Assert.SkipUnless(File.Exists(path),
            $"Aspire's orchestrator is not there ({path ?? "the app host was built without one"}): it comes in the package "
            + "Aspire.Hosting.Orchestration of this system.");
        return path!;
    }
}
