using System.Text.Json;
using Parley.Cli.Doctor.Machine;
using Parley.Cli.Tests.Doubles;
using Parley.TestSupport;

namespace Parley.Cli.Tests.Doctor;

/// <summary>The command on this machine, with a Hub and a home of its own.</summary>
public sealed class DoctorCommandTests
{
    private const string Token = "hf_secretOfSomebody";

    /// <summary>Ports that no test has, since what this machine runs is not the point.</summary>
    private static async Task<(int Code, Dictionary<string, (string Status, string Fact)> Findings, string Text)> RunAsync(
        HubHome home, params string[] arguments)
    {
        await using var run = home.Start(["doctor", "--json", "--port", "1", .. arguments]);
        var code = await run.EndAsync();
        using var json = JsonDocument.Parse(run.Output);
        var findings = json.RootElement.GetProperty("findings").EnumerateArray()
            .GroupBy(finding => finding.GetProperty("check").GetString()!)
            .ToDictionary(group => group.Key, group => (
                group.Last().GetProperty("status").GetString()!, group.Last().GetProperty("fact").GetString()!));
        return (code, findings, run.Text);
    }

    [Fact]
    public async Task Doctor_WithARightToken_SaysWhoseAndNeverShowsIt()
    {
        await using var home = await HubHome.StartAsync();
        home.Environment["HF_TOKEN"] = home.Hub.Token = Token;

        var (_, findings, text) = await RunAsync(home);

        Assert.Equal("OK", findings["hub"].Status);
        Assert.Contains("account somebody", findings["hub"].Fact);
        Assert.Equal("OK", findings["clock"].Status);
        Assert.Contains("ONNX Runtime 1.", findings["onnxruntime"].Fact);
        Assert.Contains(" kernels", findings["processor"].Fact);
        Assert.Contains("KV cache 32 MB = 16,384 tokens, 16 sequences of 1,024", findings["memory"].Fact);
        Assert.DoesNotContain(Token, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_WithAWrongTokenAndSetting_EndsWithOneAndNamesBoth()
    {
        await using var home = await HubHome.StartAsync();
        (home.Hub.Token, home.Environment["HF_TOKEN"]) = ("hf_another", Token);
        home.Environment["Generator__Treads"] = "4";
        home.Environment["GENERATOR_PORT"] = "tcp://10.0.0.1:5083";

        var (code, findings, text) = await RunAsync(home);

        Assert.Equal(1, code);
        Assert.Equal("fault", findings["hub"].Status);
        Assert.StartsWith(
            "Generator:Treads is no setting of Parley (environment variable Generator__Treads); the nearest are Generator:Threads,",
            findings["settings"].Fact);
        Assert.DoesNotContain(Token, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_Offline_AsksNobodyAndFindsWhatIsThere()
    {
        await using var home = await HubHome.StartAsync();
        home.AddDemo("org/demo-model");
        Assert.Equal(0, (await home.RunAsync("pull", "org/demo-model")).ExitCode);
        home.Hub.Requests.Clear();

        var (_, findings, _) = await RunAsync(home, "--offline", "-m", "org/demo-model");
        var (code, missing, _) = await RunAsync(home, "--offline", "-m", "org/other");

        Assert.Contains("org/demo-model is a checkpoint of 3.5 M parameters", findings["package"].Fact);
        Assert.Equal((1, "fault"), (code, missing["package"].Status));
        Assert.Equal("offline: no request is made, models come from the cache", findings["hub"].Fact);
        Assert.Empty(home.Hub.Requests);
    }

    [Fact]
    public async Task Doctor_OfAPackage_ReadsEveryByte()
    {
        await using var home = await HubHome.StartAsync();
        var package = Path.Combine(home.Folder, "package");
        Assert.Equal(0, (await home.RunAsync("import", Shared.DemoModel, package)).ExitCode);

        var whole = PackageReader.Read(package, hub: null);
        var bytes = File.ReadAllBytes(Path.Combine(package, "model.data"));
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(Path.Combine(package, "model.data"), bytes);
        var broken = PackageReader.Read(package, hub: null);

        Assert.Null(whole.Failure);
        Assert.True(whole.Size!.IsPackage);
        Assert.Contains("model.data: the SHA-256 is", broken.Failure);
    }

    [Fact]
    public void Package_ThatDoesNotExist_IsAFailureAndNoException() =>
        Assert.Contains("does not exist", PackageReader.Read("/nowhere/model", hub: null).Failure);

    [Fact]
    public void Folder_BelowAFile_CannotBeWritten()
    {
        var file = Path.GetTempFileName();
        try
        {
            Assert.NotNull(FolderFacts.Read(Path.Combine(file, "cache"), "packages", "XDG_CACHE_HOME").Failure);
            var folder = FolderFacts.Read(Path.Combine(Path.GetTempPath(), "parley-not-there", "cache"), "packages", "XDG_CACHE_HOME");
            Assert.Null(folder.Failure);
            Assert.True(folder.FreeBytes > 0);
            Assert.False(Directory.Exists(folder.Path));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("0")]
    [InlineData("65536")]
    public async Task Doctor_OfAPortThatIsNone_SaysSo(string port)
    {
        await using var home = await HubHome.StartAsync();

        var (code, text) = await home.RunAsync("doctor", "--port", port);

        Assert.Equal(1, code);
        Assert.Contains($"error: --port is {port}; it goes from 1 to 65535.", text);
    }
}
