using System.Text.Json;
using Parley.Cli.Doctor.Checks;
using Parley.Cli.Doctor.Machine;

namespace Parley.Cli.Doctor;

/// <summary>All findings on a machine.</summary>
/// <param name="Findings">In the order of the way: settings, machine, libraries, model, surroundings.</param>
internal sealed record DoctorReport(IReadOnlyList<Finding> Findings)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>0 unless there is a fault.</summary>
    public int ExitCode => Findings.Any(finding => finding.Status == FindingStatus.Fault) ? 1 : 0;

    public static DoctorReport Of(MachineState state) => new(
    [
        .. SettingsCheck.Of(state), .. ProcessorCheck.Of(state), .. ContainerCheck.Of(state), .. LibraryCheck.Of(state),
        .. PackageCheck.Of(state), .. MemoryCheck.Of(state), .. PortCheck.Of(state), .. HubCheck.Of(state), .. DiskCheck.Of(state),
    ]);

    /// <summary>Lines for people: plain, so that nothing is cut where the output is a file.</summary>
    public IEnumerable<string> Lines()
    {
        foreach (var finding in Findings)
        {
            yield return $"{Word(finding.Status),-8} {finding.Check,-12} {finding.Fact}";
            if (finding.Advice is not null)
                yield return $"{"",-21} → {finding.Advice}";
        }

        var (faults, warnings) = (Count(FindingStatus.Fault), Count(FindingStatus.Warning));
        yield return faults + warnings == 0 ? "All is well." : $"{faults} faults, {warnings} warnings.";
    }

    /// <summary>The same for programs.</summary>
    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            ExitCode,
            Findings = Findings.Select(finding => new { finding.Check, Status = Word(finding.Status), finding.Fact, finding.Advice }),
        },
        Json);

    private int Count(FindingStatus status) => Findings.Count(finding => finding.Status == status);

    private static string Word(FindingStatus status) => status switch
    {
        FindingStatus.Ok => "OK",
        FindingStatus.Warning => "warning",
        _ => "fault",
    };
}
