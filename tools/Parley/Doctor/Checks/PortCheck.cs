using Parley.Cli.Doctor.Machine;

namespace Parley.Cli.Doctor.Checks;

/// <summary>Whether the ports can be had, else who has them.</summary>
internal static class PortCheck
{
    public static IEnumerable<Finding> Of(MachineState state)
    {
        foreach (var port in state.Ports)
        {
            var name = $"port {port.Port}";
            if (port.Failure is null)
                yield return Finding.Ok(name, $"free ({port.Use})");
            else if (port.Holder is null)
                yield return Finding.Fault(name, $"{port.Failure} ({port.Use})",
                    "take another: --http-port, --grpc-port, Kestrel:Endpoints");
            else if (port.Holder.StartsWith("parley", StringComparison.OrdinalIgnoreCase))
                yield return Finding.Warning(name, $"{Holder(port)} listens ({port.Use})", "nothing, if that is the one that should run");
            else
                yield return Finding.Fault(name, $"{Holder(port)} has it ({port.Use})",
                    "stop it, or take another: --http-port, --grpc-port, Kestrel:Endpoints");
        }
    }

    private static string Holder(PortFacts port) => $"{port.Holder} (process {port.HolderId})";
}
