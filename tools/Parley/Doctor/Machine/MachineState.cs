using Parley.Generator;
using Parley.Generator.Machine;

namespace Parley.Cli.Doctor.Machine;

/// <summary>Everything that the checks look at, read beforehand: so they can be shown any machine.</summary>
internal sealed record MachineState
{
    public required DateTimeOffset Now { get; init; }

    /// <summary>The Generator's settings as this process's environment gives them.</summary>
    public required GeneratorOptions Options { get; init; }

    /// <summary>What is wrong with the settings of any service.</summary>
    public required IReadOnlyList<string> SettingFaults { get; init; }

    public required ProcessorFacts Processor { get; init; }

    public required ProcessLimits Limits { get; init; }

    public required LibraryFacts Libraries { get; init; }

    public required PackageFacts Package { get; init; }

    public required IReadOnlyList<PortFacts> Ports { get; init; }

    public required HubFacts Hub { get; init; }

    public required IReadOnlyList<FolderFacts> Folders { get; init; }

    /// <summary>Whether a GPU is to be used, by the settings or by what the package was made for.</summary>
    public bool WantsCuda => Options.Device == "cuda" || Package.Size is { IsCuda: true };
}
