using System.CommandLine;
using System.Globalization;
using Parley.Cli.Hosting;
using Parley.ModelImporter.AdapterPackages;

namespace Parley.Cli.Packages;

/// <summary><c>parley adapter</c>: a LoRA in, a folder out that is served beside its base.</summary>
internal static class AdapterCommand
{
    public static Command Create()
    {
        var adapter = new Argument<string>("adapter")
        {
            Description = "peft's folder (adapter_config.json, adapter_model.safetensors), or llama.cpp's .gguf.",
        };
        var destination = new Argument<string>("destination") { Description = "The folder to write; must not exist." };
        var package = new Option<string>("--base")
        {
            Description = "The package that it is served beside, made by 'parley import'.",
            HelpName = "PACKAGE",
            Required = true,
        };
        var name = new Option<string?>("--name") { Description = "Served name; without it that of the adapter's folder or file." };
        var command = new Command("adapter", "Make a LoRA ready to be served beside its base, which is not changed.")
        {
            adapter, destination, package, name,
        };
        command.SetAction((result, _) =>
        {
            using var termination = new Termination();
            var made = AdapterPackage.Run(
                new AdapterOptions
                {
                    Adapter = result.GetRequiredValue(adapter),
                    Base = result.GetRequiredValue(package),
                    Destination = result.GetRequiredValue(destination),
                    Name = result.GetValue(name),
                },
                termination.Token);
            foreach (var note in made.Notes)
                Console.Error.WriteLine($"Note: {note}");
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{made.Name}: {made.Linears} linears, rank {made.RankMax}, {made.Bytes / 1e6:0.0} MB, in {made.Path}"));
            return Task.FromResult(0);
        });
        return command;
    }
}
