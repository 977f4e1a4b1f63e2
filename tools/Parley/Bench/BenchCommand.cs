using System.CommandLine;
using Spectre.Console;

namespace Parley.Cli.Bench;

/// <summary><c>parley bench</c>: bare engine steps, and load against a running server.</summary>
internal static class BenchCommand
{
    public static Command Create(IAnsiConsole console) => new("bench", "Measure: bare engine steps, or a running server under load.")
    {
        EngineBench.CreateCommand(console),
        ServeBench.CreateCommand(console),
    };
}
