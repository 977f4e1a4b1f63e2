using Parley.Aspire.Hosting;

namespace Parley.Aspire.Tests;

/// <summary>Which command line an app host starts.</summary>
public sealed class ProgramTests : IDisposable
{
    private static readonly string FileName = OperatingSystem.IsWindows() ? "parley.exe" : "parley";

    private readonly string _root = Directory.CreateTempSubdirectory("parley-program-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Tool_OfTheNearestManifest_GoesBeforeTheMachines()
    {
        Write(Path.Combine(".config", "dotnet-tools.json"), """{"isRoot": true, "tools": {"Parley": {"version": "0.2.0"}}}""");
        Write(Path.Combine("src", "dotnet-tools.json"), """{"tools": {"other": {}}}""");

        var program = ParleyProgram.Find(Folder("src", "AppHost"), [Machine()]);

        Assert.Equal(("dotnet", "tool run parley --", null), (program.Command, string.Join(' ', program.Arguments), program.Fault));
    }

    [Fact]
    public void Manifest_ThatIsRoot_EndsTheSearch()
    {
        Write("dotnet-tools.json", """{"tools": {"parley": {}}}""");
        Write(Path.Combine("src", "dotnet-tools.json"), """{"isRoot": true, "tools": {}}""");

        Assert.Equal(Path.Combine(Machine(), FileName), ParleyProgram.Find(Folder("src", "AppHost"), [Folder("empty"), Machine()]).Command);
    }

    [Fact]
    public void Program_ThatIsNowhere_IsAFaultThatNamesTheWays()
    {
        Write("dotnet-tools.json", "{");

        var program = ParleyProgram.Find(Folder("AppHost"), []);

        Assert.Equal("parley", program.Command);
        Assert.Contains(Path.Combine(_root, "dotnet-tools.json"), program.Fault);
        Assert.Contains("dotnet tool install parley", program.Fault);
        Assert.Contains("WithExecutable(path)", program.Fault);
        Assert.Contains("Parley:Executable", program.Fault);
    }

    [Fact]
    public void Path_OfAProgram_StartsFromTheAppHost()
    {
        Write(Path.Combine("bin", "parley.dll"), "");
        Write(Path.Combine("bin", "own"), "");

        var assembly = ParleyProgram.At(Path.Combine("..", "bin", "parley.dll"), Folder("AppHost"), []);
        var file = ParleyProgram.At(Path.Combine("..", "bin", "own"), Folder("AppHost"), []);
        var absent = ParleyProgram.At(Path.Combine("bin", "none"), _root, []);
        var name = ParleyProgram.At("none", _root, [Machine()]);

        Assert.Equal(
            ("dotnet", Path.Combine(_root, "bin", "parley.dll"), null), (assembly.Command, assembly.Arguments.Single(), assembly.Fault));
        Assert.Equal((Path.Combine(_root, "bin", "own"), 0, null), (file.Command, file.Arguments.Count, file.Fault));
        Assert.Equal($"There is no file {Path.Combine(_root, "bin", "none")}.", absent.Fault);
        Assert.Equal("'none' is in no folder of PATH.", name.Fault);
        Assert.Equal(Path.Combine(Machine(), FileName), ParleyProgram.At("parley", _root, [Machine()]).Command);
    }

    private string Folder(params string[] names) => Directory.CreateDirectory(Path.Combine([_root, .. names])).FullName;

    private string Machine()
    {
        Write(Path.Combine("machine", FileName), "");
        return Path.Combine(_root, "machine");
    }

    private void Write(string name, string text)
    {
        var path = Path.Combine(_root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
