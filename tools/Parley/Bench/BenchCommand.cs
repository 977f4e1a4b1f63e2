using System.CommandLine;
using Parley.Cli.Bench.Engine;
using Parley.Cli.Bench.Serve;
using Parley.Cli.Bench.Stack;
using Spectre.Console;

namespace Parley.Cli.Bench;

/// <summary><c>parley bench</c>: bare engine steps, and load against a running server.</summary>
internal static class BenchCommand
{
    public static Command Create(IAnsiConsole console) => new(
        "bench", "Measure: bare model steps, what the services around them cost, or a running server under load.")
    {
        EngineBench.CreateCommand(console),
        StackBench.CreateCommand(console),
        ServeBench.CreateCommand(console),
    };
}
