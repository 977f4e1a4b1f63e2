using Parley.TestSupport;

namespace Parley.Deployment.Tests.Images;

/// <summary>The images built, started and asked, where no container engine's daemon and no registry is needed.</summary>
public sealed class BuildahTests
{
    [SlowFact]
    public async Task Images_BuiltOnBasesOfThisMachine_AnswerAChat()
    {
        ProgramRun.Require("buildah");
        ProgramRun.Require("debootstrap");
        Assert.SkipUnless(Directory.Exists("/usr/share/dotnet/sdk"), "The .NET SDK is not in /usr/share/dotnet.");
        Assert.SkipUnless(Environment.UserName == "root", "buildah's chroot isolation is used as root.");

        var run = await ProgramRun.RunAsync(
            ProgramRun.Require("bash"), [Path.Combine(Shared.RepositoryRoot, "deploy", "try-images.sh")], Shared.RepositoryRoot);

        TestContext.Current.TestOutputHelper?.WriteLine(run.Output);
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        Assert.EndsWith("images: ok\n", run.Output);
    }
}
