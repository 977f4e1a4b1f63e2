using System.CommandLine;
using System.Net;
using Parley.Cli.Doctor.Machine;

namespace Parley.Cli.Doctor;

/// <summary><c>parley doctor</c>: looks at everything that serving takes, and says what to do where it is not so.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var model = new Option<string?>("--model", "-m")
        {
            Description = "Name or path of the model that is to be served; without it what Generator__PackageDirectory names, else the "
                + "bundled demo model. Nothing is fetched and nothing imported.",
            HelpName = "NAME|PATH",
        };
        var ports = new Option<int[]>("--port")
        {
            Description = "Ports to try instead of those of 'parley up' and of the services.",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        var offline = new Option<bool>("--offline") { Description = "Ask nobody, as with HF_HUB_OFFLINE=1." };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("doctor", "Look at everything that serving takes: each line says what to do. Ends with 1 on a fault.")
        {
            model, ports, offline, json,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            var tried = result.GetRequiredValue(ports);
            foreach (var port in tried)
            {
                if (port is < 1 or > IPEndPoint.MaxPort)
                    throw new UserErrorException($"{ports.Name} is {port}; it goes from 1 to {IPEndPoint.MaxPort}.");
            }

            var state = await MachineReader.ReadAsync(result.GetValue(model), tried, result.GetValue(offline), cancellationToken);
            var report = DoctorReport.Of(state);
            foreach (var line in result.GetValue(json) ? [report.ToJson()] : report.Lines())
                await Console.Out.WriteLineAsync(line);
            return report.ExitCode;
        });
        return command;
    }
}
