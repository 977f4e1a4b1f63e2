using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting.Systemd;
using Parley.Cli;
using Parley.Cli.Packages;
using Parley.PackageFormat;
using Parley.ServiceDefaults;

namespace Parley.EndToEnd.Tests;

/// <summary>What settings, health reports and folders come to, without a process or a port.</summary>
[Collection(DemoCollection.Name)]
public sealed class ServiceSettingsTests(DemoSystem system) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("parley-settings-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static IConfiguration With(params (string Key, string Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection(settings.Select(one => KeyValuePair.Create(one.Key, (string?)one.Value))).Build();

    [Theory]
    [InlineData("", 30)]
    [InlineData("1", 1)]
    [InlineData("3600", 3600)]
    public void ShutdownTime_OfASetting_IsItsSeconds(string text, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), ServiceDefaultsExtensions.ShutdownTime(With(("Parley:ShutdownSeconds", text))));

    [Theory]
    [InlineData("0")]
    [InlineData("3601")]
    [InlineData("-5")]
    [InlineData("1.5")]
    [InlineData("a minute")]
    public void ShutdownTime_OutOfRange_NamesTheSettingItsValueAndTheRange(string text)
    {
        var configuration = With(("Parley:ShutdownSeconds", text));
        var fault = Assert.Throws<InvalidDataException>(() => ServiceDefaultsExtensions.ShutdownTime(configuration));
        Assert.Equal($"Parley:ShutdownSeconds is '{text}'; give whole seconds from 1 to 3600.", fault.Message);
    }

    [Theory]
    [InlineData("http://0.0.0.0:5083", "http://127.0.0.1:5083/")]
    [InlineData("http://*:5083", "http://127.0.0.1:5083/")]
    [InlineData("http://+:5083", "http://127.0.0.1:5083/")]
    [InlineData("http://[::]:5083", "http://[::1]:5083/")]
    [InlineData("http://10.1.2.3:5083", "http://10.1.2.3:5083/")]
    [InlineData("http://localhost:5083", "http://localhost:5083/")]
    public void HealthProbe_OfAnEndpoint_AsksWhereThisMachineReachesIt(string url, string address)
    {
        var endpoint = HealthProbe.Endpoint(With(("Kestrel:Endpoints:Grpc:Url", url), ("Kestrel:Endpoints:Grpc:Protocols", "Http2")));
        Assert.Equal((new Uri(address), HttpProtocols.Http2), endpoint);
    }

    [Fact]
    public void HealthProbe_WithoutAnEndpointToAsk_SaysSo()
    {
        var fault = Assert.Throws<InvalidDataException>(() => HealthProbe.Endpoint(With(
            ("Kestrel:Endpoints:A:Url", "http://unix:/run/a.sock"), ("Kestrel:Endpoints:B:Url", "https://*:443"))));
        Assert.Contains("--check-health", fault.Message);
    }

    [Theory]
    [InlineData(HealthStatus.Healthy, HealthStatus.Unhealthy, 1)]
    [InlineData(HealthStatus.Unhealthy, HealthStatus.Healthy, 0)]
    public async Task Watchdog_FedByLivenessAlone(HealthStatus live, HealthStatus ready, int notices)
    {
        HealthReportEntry Entry(HealthStatus status, params string[] tags) => new(status, null, TimeSpan.Zero, null, null, tags);
        var notifier = new CountingNotifier();
        var entries = new Dictionary<string, HealthReportEntry> { ["live"] = Entry(live, HealthSetup.LiveTag), ["ready"] = Entry(ready) };
        var report = new HealthReport(entries, TimeSpan.Zero);

        await new SystemdWatchdog(notifier).PublishAsync(report, default);

        Assert.Equal(notices, notifier.Notices.Count(text => text == "WATCHDOG=1"));
    }

    [Fact]
    public void Fault_OfEveryStateOfAVolume_IsAnother()
    {
        string Fault(string name) => PackageFolder.Fault(Path.Combine(_folder, name))!;
        var faults = new List<string> { Fault("nowhere/model"), Fault("model") };
        Directory.CreateDirectory(Path.Combine(_folder, "lost+found"));
        Assert.Equal(faults[1], Fault("model"));
        Directory.CreateDirectory(Path.Combine(_folder, ".model.77.importing"));
        faults.Add(Fault("model"));
        var empty = Directory.CreateDirectory(Path.Combine(_folder, "empty"));
        faults.Add(Fault("empty"));
        Directory.CreateDirectory(Path.Combine(empty.FullName, "lost+found"));
        Assert.Equal(faults[^1], Fault("empty"));
        File.WriteAllText(Path.Combine(empty.FullName, "config.json"), "{}");
        faults.Add(Fault("empty"));
        Copy(system.Package, Path.Combine(_folder, "whole"));
        faults.Add(Fault("other"));

        string[] parts =
            ["is the volume mounted?", "is empty; import a model", "is under way or was cut short (", "the folder is empty",
                "which is written last, is missing beside config.json", "has the packages whole"];
        Assert.Equal(parts.Length, faults.Count);
        Assert.All(faults.Zip(parts), pair => Assert.Contains(pair.Second, pair.First));
        Assert.Null(PackageFolder.Fault(Path.Combine(_folder, "whole")));
    }

    [Fact]
    public void IfMissing_OfAnImport_LeavesAWholePackageAloneAndRefusesTheRest()
    {
        var folder = Path.Combine(_folder, "package");
        string Fault() => Assert.Throws<UserErrorException>(() => ExistingPackage.Describe(folder, "fp32")).Message;
        Assert.Null(ExistingPackage.Describe(folder, "fp32"));
        Copy(system.Package, folder);
        Assert.Contains("holds it already as fp32", ExistingPackage.Describe(folder, "fp32"));
        Assert.Contains("holds it already as fp32", ExistingPackage.Describe(folder, null));
        Assert.Contains("as fp32, not int8", Assert.Throws<UserErrorException>(() => ExistingPackage.Describe(folder, "int8")).Message);

        using (var data = File.OpenWrite(Path.Combine(folder, "model.data")))
            data.SetLength(data.Length - 1);
        Assert.Contains("model.data: the file has", Fault());
        File.Delete(Path.Combine(folder, ModelManifest.FileName));
        Assert.Contains("was cut short", Fault());
    }

    private static void Copy(string from, string to)
    {
        foreach (var path in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, path));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(path, target);
        }
    }

    private sealed class CountingNotifier : ISystemdNotifier
    {
        public List<string> Notices { get; } = [];

        public bool IsEnabled => true;

        public void Notify(ServiceState state) => Notices.Add(state.ToString());
    }
}
