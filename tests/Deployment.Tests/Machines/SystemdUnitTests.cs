using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Parley.ServiceDefaults;
using Parley.TestSupport;

namespace Parley.Deployment.Tests.Machines;

/// <summary>The units against the programs, and against systemd where it is at hand.</summary>
public sealed class SystemdUnitTests
{
    private static readonly string Folder = Path.Combine(Shared.RepositoryRoot, "deploy", "systemd");

    /// <summary>What a service takes to drain unless a setting says otherwise.</summary>
    internal static int ShutdownSeconds
    {
        get
        {
            var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
            builder.AddServiceDefaults("parley-test");
            using var provider = builder.Services.BuildServiceProvider();
            return (int)provider.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout.TotalSeconds;
        }
    }

    public static TheoryData<string> Units =>
        [.. Directory.GetFiles(Folder, "*.service").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    [Fact]
    public void Units_AreOneForEachServiceAndOneForAll() => Assert.Equal(
        [.. Programs.Services.Append("up").Select(name => $"parley-{name}.service").Order(StringComparer.Ordinal)],
        Units.Select(row => row.Data));

    [Theory]
    [MemberData(nameof(Units))]
    public void Unit_SaysOfItsProgramWhatTheProgramIs(string name)
    {
        var unit = Read(name);
        var service = name["parley-".Length..^".service".Length];
        var program = unit.Single(line => line.Key == "ExecStart").Value.Split(' ')[0];
        var own = $"/opt/parley/{service}/Parley.{char.ToUpperInvariant(service[0])}{service[1..]}";
        Assert.Equal(service == "up" ? "/opt/parley/cli/parley" : own, program);
        var known = service == "up" ? "gateway" : service;
        Assert.All(unit.Where(line => line.Key == "Environment").Select(line => line.Value.Split('=', 2)),
            pair => Assert.Null(Programs.VariableFault(known, pair[0], pair[1])));

        string Value(string key) => unit.Single(line => line.Key == key).Value;
        Assert.Equal("notify", Value("Type"));
        Assert.Equal("parley", Value("User"));
        Assert.Equal("on-failure", Value("Restart"));
        Assert.True(int.Parse(Value("TimeoutStopSec"), CultureInfo.InvariantCulture) >= ShutdownSeconds + 10);
        Assert.Equal(service != "up", unit.Any(line => line.Key == "WatchdogSec"));
        Assert.Equal(service is "gateway" or "up", unit.Contains(("LoadCredential", "api-keys:/etc/parley/api-keys")));
        string[] guards = ["NoNewPrivileges", "ProtectHome", "PrivateTmp", "ProtectKernelTunables", "RestrictSUIDSGID"];
        Assert.All(guards, key => Assert.Equal("yes", Value(key)));
        Assert.Equal("strict", Value("ProtectSystem"));
        Assert.Equal("", Value("CapabilityBoundingSet"));
    }

    [Fact]
    public async Task Units_Verified_AreWhatSystemdUnderstands()
    {
        var analyze = ProgramRun.Require("systemd-analyze");
        var folder = Directory.CreateTempSubdirectory("parley-units-").FullName;
        try
        {
            // The programs are not installed here; everything else is as it is.
            foreach (var path in Directory.GetFiles(Folder, "*.service"))
            {
                var text = string.Join('\n', File.ReadAllLines(path).Select(WithoutProgram));
                await File.WriteAllTextAsync(Path.Combine(folder, Path.GetFileName(path)), text + "\n");
            }

            var run = await ProgramRun.RunAsync(analyze, ["verify", "--man=no", .. Directory.GetFiles(folder)], folder);
            Assert.True(run.ExitCode == 0, run.Error);
            Assert.DoesNotContain(run.Error.Split('\n'), line => line.Contains("parley-", StringComparison.Ordinal));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string WithoutProgram(string line)
    {
        const string Start = "ExecStart=";
        if (!line.StartsWith(Start, StringComparison.Ordinal))
            return line;
        var blank = line.IndexOf(' ');
        return $"{Start}/bin/true{(blank < 0 ? "" : line[blank..])}";
    }

    private static List<(string Key, string Value)> Read(string name) =>
    [
        .. File.ReadAllLines(Path.Combine(Folder, name)).Where(line => line.Contains('=') && line[0] != '#')
            .Select(line => line.Split('=', 2)).Select(pair => (pair[0], pair[1])),
    ];
}
