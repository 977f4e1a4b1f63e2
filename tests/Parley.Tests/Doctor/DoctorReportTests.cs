using System.Text.Json;
using Parley.Cli.Doctor;
using Parley.Cli.Doctor.Checks;
using Parley.Cli.Doctor.Machine;
using Parley.Cli.Tests.Doubles;
using Parley.Generator;
using Parley.Generator.Execution.Cuda;
using Parley.Generator.Machine;
using Parley.ModelHub;

namespace Parley.Cli.Tests.Doctor;

/// <summary>What the doctor says of each state of a machine: status, fact, and what to do.</summary>
public sealed class DoctorReportTests
{
    private static Finding Only(MachineState state, string check) =>
        Assert.Single(DoctorReport.Of(state).Findings, finding => finding.Check == check && finding.Status != FindingStatus.Ok);

    private static void AssertFinding(MachineState state, string check, FindingStatus status, params string[] parts)
    {
        var finding = Only(state, check);
        Assert.Equal(status, finding.Status);
        Assert.False(string.IsNullOrWhiteSpace(finding.Advice));
        Assert.All(parts, part => Assert.Contains(part, $"{finding.Fact} → {finding.Advice}", StringComparison.Ordinal));
        Assert.Equal(status == FindingStatus.Fault ? 1 : 0, DoctorReport.Of(state).ExitCode);
    }

    [Fact]
    public void Report_OfAGoodMachine_IsAllWell()
    {
        foreach (var state in new[] { Machines.Good(), Machines.GoodGpu() })
        {
            var report = DoctorReport.Of(state);
            Assert.All(report.Findings, finding => Assert.Equal((FindingStatus.Ok, null), (finding.Status, finding.Advice)));
            Assert.Equal(0, report.ExitCode);
            Assert.Equal("All is well.", report.Lines().Last());
        }

        string[] checks =
        [
            "settings", "processor", "container", "onnxruntime", "cuda", "card 0", "package", "memory", "port 5080", "hub", "clock", "disk",
        ];
        Assert.Equal(checks, DoctorReport.Of(Machines.GoodGpu()).Findings.Select(finding => finding.Check).Distinct());
    }

    [Fact]
    public void Report_AsJson_HasTheSame()
    {
        var state = Machines.Good() with { SettingFaults = ["Generator:Pakage is no setting"] };
        using var json = JsonDocument.Parse(DoctorReport.Of(state).ToJson());

        Assert.Equal(1, json.RootElement.GetProperty("exit_code").GetInt32());
        var first = json.RootElement.GetProperty("findings")[0];
        Assert.Equal(("settings", "fault", "Generator:Pakage is no setting"), (
            first.GetProperty("check").GetString(), first.GetProperty("status").GetString(), first.GetProperty("fact").GetString()));
        Assert.False(string.IsNullOrEmpty(first.GetProperty("advice").GetString()));
    }

    [Fact]
    public void Lines_OfAFault_SayWhatToDoBelowIt()
    {
        var lines = DoctorReport.Of(Machines.Good() with { SettingFaults = ["wrong"] }).Lines().ToList();

        Assert.Equal("fault    settings     wrong", lines[0]);
        Assert.StartsWith("                      → correct it", lines[1]);
        Assert.Equal("1 faults, 0 warnings.", lines[^1]);
    }

    [Theory]
    [InlineData(true, false, true, "AVX2", "does not save its registers", "XCR0")]
    [InlineData(true, true, true, "AVX2", "the runtime does not use it", "DOTNET_EnableAVX512")]
    [InlineData(false, false, true, "scalar", "has AVX2, and the runtime does not use it", "DOTNET_EnableAVX")]
    [InlineData(false, false, false, "scalar", "there is no AVX2", "take a machine with AVX2")]
    public void Processor_WithLessThanItsBest_IsAWarning(
        bool has512, bool saves512, bool has2, string kernels, string fact, string advice)
    {
        var processor = Machines.Good().Processor with
        {
            HasAvx512 = has512,
            SavesAvx512 = saves512,
            HasAvx2 = has2,
            Attention = kernels,
            Linears = kernels,
        };

        AssertFinding(Machines.Good() with { Processor = processor }, "processor", FindingStatus.Warning, kernels, fact, advice);
    }

    [Theory]
    [InlineData("AVX2", "AVX-VNNI", true)]
    [InlineData("AVX2", "AVX2", true)]
    [InlineData("128-bit", "AdvSimd", false)]
    public void Processor_AtItsBest_IsOk(string attention, string linears, bool isX64)
    {
        var processor = Machines.Good().Processor with
        {
            HasAvx512 = false,
            SavesAvx512 = false,
            HasAvx2 = isX64,
            IsX64 = isX64,
            Attention = attention,
            Linears = linears,
        };

        Assert.All(
            DoctorReport.Of(Machines.Good() with { Processor = processor }).Findings, one => Assert.Equal(FindingStatus.Ok, one.Status));
    }

    [Fact]
    public void Processor_ThatSaturates_RefusesW8A8()
    {
        var state = Machines.Good() with { Processor = Machines.Good().Processor with { MultipliesBytesExactly = false } };
        state = state with { Package = state.Package with { Size = Machines.Model with { Precision = "w8a8" } } };

        AssertFinding(state, "processor", FindingStatus.Fault, "VNNI", "--precision int8");
    }

    [Theory]
    [InlineData(0.5, 0, "0.5 processors (/cpu.max)", "a whole processor or more")]
    [InlineData(2.5, 0, "2.5 processors", "a whole number of processors, e.g. 3")]
    [InlineData(2.0, 4, "4 threads", "set Generator:Threads to 2")]
    [InlineData(null, 12, "Generator:Threads is 12", "at most 8")]
    public void Container_WhoseQuotaMakesStepsWait_IsAWarning(double? quota, int threads, string fact, string advice)
    {
        var groups = ControlGroupLimits.None with { Processors = quota, ProcessorsFile = "/cpu.max" };
        var state = Machines.Good() with
        {
            Limits = Machines.Good().Limits with { Groups = groups },
            Options = new GeneratorOptions { Threads = threads },
        };

        AssertFinding(state, "container", FindingStatus.Warning, fact, advice);
    }

    [Theory]
    [InlineData(8L, nameof(FindingStatus.Ok))]
    [InlineData(15L, nameof(FindingStatus.Warning))]
    public void Container_WithAMemoryLimit_SaysHowMuchIsUsed(long usedGigabytes, string status)
    {
        var groups = ControlGroupLimits.None with
        {
            MemoryBytes = 16L << 30,
            MemoryFile = "/memory.max",
            MemoryUsedBytes = usedGigabytes << 30,
        };
        var state = Machines.Good() with { Limits = Machines.Good().Limits with { Groups = groups } };

        var finding = Assert.Single(DoctorReport.Of(state).Findings, finding =>
            finding.Fact.Contains("/memory.max), ", StringComparison.Ordinal));
        Assert.Equal(status, finding.Status.ToString());
        Assert.Contains($"{usedGigabytes << 10} MB of it used", finding.Fact);
    }

    [Fact]
    public void Memory_ThatIsTooLittle_IsTheGeneratorsOwnRefusal()
    {
        var groups = ControlGroupLimits.None with { MemoryBytes = 1L << 30, MemoryFile = "/memory.max" };

        AssertFinding(
            Machines.Good() with { Limits = Machines.Good().Limits with { Groups = groups } }, "memory", FindingStatus.Fault,
            "1024 MB (/memory.max)", "weights 1256 MB", "parley plan");
    }

    [Fact]
    public void Memory_ThatOthersHave_IsAWarning() => AssertFinding(
        Machines.Good() with { Limits = Machines.Good().Limits with { AvailableBytes = 1L << 30 } }, "memory", FindingStatus.Warning,
        "other programs leave 1024 MB", "Generator:KvCacheMegabytes");

    [Fact]
    public void Memory_TooLittleForTheWholeContext_IsAWarning() => AssertFinding(
        Machines.Good() with { Options = new GeneratorOptions { KvCacheMegabytes = 100 } }, "memory", FindingStatus.Warning,
        "a sequence of 8,192 tokens", "KvCachePrecision to Int8");

    [Fact]
    public void Memory_OfACard_IsSharedOutAsTheGeneratorDoes()
    {
        var state = Machines.GoodGpu();
        var (model, target) = (Machines.CudaModel, Machines.CudaModel.Target!);
        var step = CudaServing.Beside(model.Shape, target, state.Options).Step;
        var plan = CudaServing.Share(139L << 30, model.WeightBytes, step, model.Shape, target, state.Options);

        var finding = Assert.Single(DoctorReport.Of(state).Findings, finding => finding.Check == "memory");
        Assert.Contains($"KV cache {plan.CacheBytes >> 20} MB", finding.Fact);

        var small = state with { Libraries = state.Libraries with { Cards = [state.Libraries.Cards[0] with { FreeBytes = 2L << 30 }] } };
        AssertFinding(small, "memory", FindingStatus.Fault, "The GPU has 2048 MB free");
    }

    [Fact]
    public void OnnxRuntime_OfTwoReleases_IsAFault() => AssertFinding(
        Machines.Good() with { Libraries = Machines.CpuLibraries with { Version = "1.30.0" } }, "onnxruntime", FindingStatus.Fault,
        "1.30.0", "managed part is 1.31.1");

    [Fact]
    public void Cuda_AskedForAndMissing_IsAFaultPerLibrary()
    {
        var state = Machines.GoodGpu() with { Libraries = Machines.CpuLibraries };
        var findings = DoctorReport.Of(state).Findings.Where(finding => finding.Status == FindingStatus.Fault).ToList();

        Assert.Equal(["cuda", "cuda"], findings.Select(finding => finding.Check));
        Assert.Contains("libcuda.so.1 (NVIDIA driver): wanted 13.0 or newer; found nothing", findings[0].Fact);
        Assert.Contains("nvidia.com/gpu", findings[0].Advice);
        Assert.Contains("Generator:Cuda:LibraryPath", findings[1].Advice);
    }

    [Fact]
    public void Cuda_WithoutACard_IsAFault() => AssertFinding(
        Machines.GoodGpu() with { Libraries = Machines.CudaLibraries with { Cards = [], CardsFailure = "CUDA sees no device" } },
        "cuda", FindingStatus.Fault, "CUDA sees no device", "CUDA_VISIBLE_DEVICES");

    [Fact]
    public void Cuda_HereAndNotUsed_IsAWarning() => AssertFinding(
        Machines.Good() with { Libraries = Machines.CudaLibraries }, "cuda", FindingStatus.Warning, "not used", "-p:OnnxRuntime=Gpu");

    [Theory]
    [InlineData("10.0", "holds kernels for 8.0, 9.0, 12.0 and no PTX")]
    [InlineData("7.5", "older than 8.0")]
    public void Card_ThatNoCodeIsFor_IsAFaultWhereItIsUsed(string capability, string fact)
    {
        var card = Machines.CudaLibraries.Cards[0] with { Name = "B200", Capability = Version.Parse(capability) };
        var state = Machines.GoodGpu() with { Libraries = Machines.CudaLibraries with { Cards = [card] } };

        AssertFinding(state, "card 0", FindingStatus.Fault, "B200", fact);

        var other = state with
        {
            Libraries = state.Libraries with { Cards = [Machines.CudaLibraries.Cards[0], card with { Number = 1 }] },
        };
        AssertFinding(other, "card 1", FindingStatus.Warning, fact);
    }

    [Fact]
    public void Package_OfAnOlderImporter_IsAWarning() => AssertFinding(
        Machines.Good() with { Package = Machines.Good().Package with { Importer = "3" } }, "package", FindingStatus.Warning,
        "importer 3, made 3 days ago", "import the model again");

    [Fact]
    public void Package_ThatIsBroken_IsAFault() => AssertFinding(
        Machines.Good() with { Package = Machines.Good().Package with { Failure = "/m/model.data: the SHA-256 is x", Size = null } },
        "package", FindingStatus.Fault, "the SHA-256 is x", "import it again");

    [Theory]
    [InlineData(false, nameof(FindingStatus.Warning), "parley pull org/model")]
    [InlineData(true, nameof(FindingStatus.Fault), "HF_HUB_OFFLINE")]
    public void Package_ThatIsNotHere_IsFetchedWhereItMayBe(bool offline, string status, string advice) => AssertFinding(
        Machines.Good() with
        {
            Package = new PackageFacts("org/model", null, false, null, null, null, 0, null),
            Hub = Machines.Good().Hub with { Offline = offline },
        },
        "package", Enum.Parse<FindingStatus>(status), "is not on this machine", advice);

    [Fact]
    public void Package_ForAnotherDevice_IsAFault()
    {
        AssertFinding(
            Machines.GoodGpu() with { Options = new GeneratorOptions() }, "package", FindingStatus.Fault, "made for CUDA",
                "Generator:Device to cuda");
        AssertFinding(
            Machines.GoodGpu() with { Package = Machines.Good().Package }, "package", FindingStatus.Fault, "made for the CPU",
                "--precision bf16");
    }

    [Theory]
    [InlineData("nginx", nameof(FindingStatus.Fault), "nginx (process 7) has it")]
    [InlineData("parley", nameof(FindingStatus.Warning), "parley (process 7) listens")]
    [InlineData("Parley.Gateway.dll", nameof(FindingStatus.Warning), "Parley.Gateway.dll (process 7)")]
    [InlineData(null, nameof(FindingStatus.Fault), "Permission denied")]
    public void Port_ThatIsTaken_NamesItsHolder(string? holder, string status, string fact) => AssertFinding(
        Machines.Good() with
        {
            Ports = [new PortFacts(5080, "the Gateway's HTTP", "Permission denied", holder, holder is null ? null : 7)],
        },
        "port 5080", Enum.Parse<FindingStatus>(status), fact);

    [Theory]
    [InlineData(401, true, nameof(FindingStatus.Fault), "does not know the token")]
    [InlineData(503, true, nameof(FindingStatus.Warning), "answers 503")]
    [InlineData(404, true, nameof(FindingStatus.Warning), "whether it knows the token is not known")]
    public void Hub_ThatAnswersOtherwise_SaysSo(int status, bool hasToken, string expected, string fact) => AssertFinding(
        Machines.Good() with
        {
            Hub = Machines.Good().Hub with { HasToken = hasToken, Answer = new HubAnswer(status, null, TimeSpan.Zero, null) },
        },
        "hub", Enum.Parse<FindingStatus>(expected), fact);

    [Fact]
    public void Hub_WithoutAToken_IsOk()
    {
        var state = Machines.Good() with
        {
            Hub = Machines.Good().Hub with { HasToken = false, Answer = new HubAnswer(401, null, TimeSpan.Zero, null) },
        };

        Assert.Contains(DoctorReport.Of(state).Findings, one => one is { Check: "hub", Status: FindingStatus.Ok }
            && one.Fact.Contains("public models only"));
    }

    [Fact]
    public void Hub_OutOfReach_IsAWarningAndSoIsTheClock()
    {
        var state = Machines.Good() with { Hub = Machines.Good().Hub with { Answer = new HubAnswer(null, null, null, "no route") } };

        AssertFinding(state, "hub", FindingStatus.Warning, "no route", "HF_ENDPOINT", "HF_HUB_OFFLINE=1");
        AssertFinding(state, "clock", FindingStatus.Warning, "not compared");
    }

    [Fact]
    public void Hub_WhoseSettingsAreWrong_IsAFault() => AssertFinding(
        Machines.Good() with { Hub = new HubFacts(null, false, false, null, "HF_ENDPOINT is 'x'; it must be an http or https URL.") },
        "hub", FindingStatus.Fault, "HF_ENDPOINT is 'x'", "unset it");

    [Theory]
    [InlineData(4.9, null, "")]
    [InlineData(6, nameof(FindingStatus.Warning), "6.0 s ahead of")]
    [InlineData(-6, nameof(FindingStatus.Warning), "6.0 s behind")]
    [InlineData(-301, nameof(FindingStatus.Fault), "301.0 s behind")]
    public void Clock_ThatIsOff_IsToldByHowMuch(double seconds, string? status, string fact)
    {
        var state = Machines.Good() with
        {
            Hub = Machines.Good().Hub with { Answer = new HubAnswer(200, "somebody", TimeSpan.FromSeconds(seconds), null) },
        };

        if (status is not null)
            AssertFinding(state, "clock", Enum.Parse<FindingStatus>(status), fact, "NTP");
        else
            Assert.All(DoctorReport.Of(state).Findings, finding => Assert.Equal(FindingStatus.Ok, finding.Status));
    }

    [Fact]
    public void Disk_WithoutRoomOrRights_IsAWarning()
    {
        var folder = Machines.Good().Folders[0];
        AssertFinding(
            Machines.Good() with { Folders = [folder with { Failure = "Read-only file system" }] }, "disk", FindingStatus.Warning,
            "Read-only file system", "XDG_CACHE_HOME");
        AssertFinding(
            Machines.Good() with { Folders = [folder with { FreeBytes = 2_100_000_000 }] }, "disk", FindingStatus.Warning,
            "less than the 2.63 GB", "parley models");
        // Tables that are read by row lie on the disk as all else does.
        var state = Machines.Good();
        state = state with { Package = state.Package with { Size = Machines.Model with { RowBytes = 1L << 30 } } };
        AssertFinding(
            state with { Folders = [folder with { FreeBytes = 2_700_000_000 }] }, "disk", FindingStatus.Warning,
            "less than the 4.78 GB", "parley models");
    }
}
