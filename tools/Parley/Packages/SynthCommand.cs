using System.CommandLine;
using System.Globalization;
using Parley.Cli.Hosting;
using Parley.ModelImporter.Synthesis;
using Spectre.Console;

namespace Parley.Cli.Packages;

/// <summary><c>parley synth</c>: a checkpoint of a given shape with random weights: speed is measured without a download.</summary>
internal static class SynthCommand
{
    public static Command Create(IAnsiConsole console)
    {
        var destination = new Argument<string>("destination") { Description = "The checkpoint's folder; must not exist." };
        var shape = new Option<string>("--shape") { Description = "Whose sizes it has.", DefaultValueFactory = _ => "llama-3.2-1b" };
        shape.AcceptOnlyFromAmong([.. Synthesizer.Shapes]);
        var seed = new Option<int>("--seed") { Description = "The same seed gives the same weights." };
        var command = new Command("synth", "Write a Hugging Face checkpoint with random weights, for measurements.")
        {
            destination, shape, seed,
        };
        command.SetAction((result, _) =>
        {
            using var termination = new Termination();
            var options = new SynthesisOptions
            {
                Shape = result.GetRequiredValue(shape),
                Destination = result.GetRequiredValue(destination),
                Seed = result.GetValue(seed),
            };
            var written = console.Status().Start(
                "Writing random weights…", _ => Synthesizer.Run(options, progress: null, termination.Token));
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{written.Parameters / 1e6:0.0} M parameters, {written.Bytes / 1e6:0.0} MB in {written.Path}"));
            return Task.FromResult(0);
        });
        return command;
    }
}
