using System.Reflection;

namespace Parley.Aspire.Tests;

/// <summary>Aspire's orchestrator (DCP), a program that comes in a package for the machine's system.</summary>
internal static class Orchestrator
{
    /// <summary>The assembly whose build looked for it: the sample's.</summary>
    public const string AppHost = "Parley.AspireChat.AppHost";

    private const string PathKey = "dcpclipath";

    /// <summary>A hang ends the test; nothing is asserted about speed.</summary>
    public static readonly TimeSpan HangTime = TimeSpan.FromMinutes(3);

    /// <summary>Skips the running test where that build found none.</summary>
    public static void Require()
    {
        var path = Assembly.Load(AppHost).GetCustomAttributes<AssemblyMetadataAttribute>()
            .FirstOrDefault(data => data.Key == PathKey)?.Value;
        Assert.SkipUnless(File.Exists(path),
            $"Aspire's orchestrator is not there ({path ?? "the app host was built without one"}): it comes in the package "
            + "Aspire.Hosting.Orchestration of this system.");
    }
}
