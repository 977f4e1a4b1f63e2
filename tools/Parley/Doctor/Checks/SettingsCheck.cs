using Parley.Cli.Doctor.Machine;

namespace Parley.Cli.Doctor.Checks;

/// <summary>What the services would refuse of the settings in this environment.</summary>
internal static class SettingsCheck
{
    private const string Name = "settings";

    public static IEnumerable<Finding> Of(MachineState state) => state.SettingFaults.Count == 0
        ? [Finding.Ok(Name, "every setting in the environment is known and within its range")]
        : state.SettingFaults.Select(fault => Finding.Fault(Name, fault, "correct it where it is set: the service would not start"));
}
