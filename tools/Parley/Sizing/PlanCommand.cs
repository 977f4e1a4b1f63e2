using System.CommandLine;
using Parley.Cli.Hub;
using Parley.Cli.Packages;
using Parley.Generator;
using Parley.Generator.Execution.Kernels;
using Parley.Generator.Model;
using Parley.ModelImporter;
using Parley.PackageFormat;
using Spectre.Console;

namespace Parley.Cli.Sizing;

/// <summary><c>parley plan</c>: memory of a model and its sequences, replicas of a rate, and the settings that go with them.</summary>
internal sealed class PlanCommand
{
    private readonly ModelSelection _model = new();

    private readonly Option<string?> _shape = new("--shape")
    {
        Description = $"Instead of a model its numbers: {ShapeText.Example}[,head-size=128][,tied=true].",
        HelpName = "NUMBERS",
    };

    private readonly Option<int?> _sequences = new("--sequences")
    {
        Description = "Sequences at once, over all replicas; without it as many as --memory holds, else the Generator's default.",
    };

    private readonly Option<string?> _memory = new("--memory")
    {
        Description = "Memory of a replica, or for CUDA the free memory of its GPU, e.g. 16Gi; without it as much as it takes.",
        HelpName = "AMOUNT",
    };

    private readonly Option<KvCachePrecision> _kvPrecision = new("--kv-precision")
    {
        Description = "Precision of the KV cache on the CPU.",
        DefaultValueFactory = _ => new GeneratorOptions().KvCachePrecision,
    };

    private readonly Option<int> _processors = new("--cpus")
    {
        Description = "Whole processors of a replica.",
        DefaultValueFactory = _ => 4,
    };

    private readonly Option<double?> _rate = new("--rate") { Description = "Requests per second; needs the speed of a replica." };

    private readonly Option<int> _prompt = new("--prompt-tokens")
    {
        Description = "Mean tokens of a prompt, without what the prefix cache holds.",
        DefaultValueFactory = _ => 500,
    };

    private readonly Option<int> _answer = new("--answer-tokens")
    {
        Description = "Mean tokens of an answer.",
        DefaultValueFactory = _ => 200,
    };

    private readonly Option<double?> _decode = new("--tokens-per-second")
    {
        Description = "Measured: tokens of answers that one replica gives, all its sequences together.",
    };

    private readonly Option<double?> _prefill = new("--prompt-tokens-per-second")
    {
        Description = "Measured: tokens of prompts that one replica reads.",
    };

    private readonly Option<string?> _bench = new("--bench")
    {
        Description = "Both of these out of the file that 'parley bench engine --json' wrote on such a machine.",
        HelpName = "FILE",
    };

    private readonly Option<double> _utilization = new("--utilization")
    {
        Description = "Share of a replica's time to plan with.",
        DefaultValueFactory = _ => 0.7,
    };

    private readonly Option<bool> _json = new("--json") { Description = "Print JSON." };

    public static Command Create(IAnsiConsole console)
    {
        var plan = new PlanCommand();
        var command = new Command("plan", "Size a deployment: memory per sequence, replicas per rate, resources and settings.")
        {
            plan._model.Model, plan._model.Precision, plan._model.Context, plan._shape, plan._sequences, plan._memory, plan._kvPrecision,
            plan._processors, plan._rate, plan._prompt, plan._answer, plan._decode, plan._prefill, plan._bench, plan._utilization,
            plan._json,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            foreach (var line in await plan.RunAsync(console, result, cancellationToken))
                await Console.Out.WriteLineAsync(line);
            return 0;
        });
        return command;
    }

    /// <summary>What the command prints.</summary>
    /// <exception cref="UserErrorException">An option is out of range, or the model does not fit.</exception>
    private async Task<IEnumerable<string>> RunAsync(IAnsiConsole console, ParseResult result, CancellationToken cancellationToken)
    {
        Check(result);
        var model = await MeasureAsync(console, result, cancellationToken);
        var target = new SizingTarget(
            result.GetValue(_model.Context), result.GetValue(_sequences),
            result.GetValue(_memory) is { } memory ? ByteSize.Parse(memory, _memory.Name) : null,
            result.GetValue(_kvPrecision), result.GetValue(_processors), Load: null);
        var plan = SizingPlan.Compute(model, target);
        // How fast a replica is may depend on how many sequences it runs.
        if (result.GetValue(_rate) is { } rate)
            plan = SizingPlan.Compute(model, target with { Load = ReadLoad(result, rate, plan.SequencesPerReplica) });
        return result.GetValue(_json) ? [SizingReport.ToJson(plan)] : SizingReport.Lines(plan);
    }

    private RequestLoad ReadLoad(ParseResult result, double rate, int sequences)
    {
        var (prompt, answer) = (result.GetValue(_prompt), result.GetValue(_answer));
        var (decode, prefill) = (result.GetValue(_decode), result.GetValue(_prefill));
        if (result.GetValue(_bench) is { } file)
        {
            var (measuredDecode, measuredPrefill) = BenchFigures.Read(file, sequences, prompt);
            (decode, prefill) = (decode ?? measuredDecode, prefill ?? measuredPrefill);
        }

        if (decode is null || prefill is null)
        {
            throw new UserErrorException(
                $"{_rate.Name} needs to know how fast a replica is: {_decode.Name} and {_prefill.Name}, or {_bench.Name} with what "
                + "'parley bench engine --json' wrote on such a machine.");
        }

        return new RequestLoad(rate, prompt, answer, decode.Value, prefill.Value, result.GetValue(_utilization));
    }

    private async Task<ModelSize> MeasureAsync(IAnsiConsole console, ParseResult result, CancellationToken cancellationToken)
    {
        var (precision, context) = (result.GetValue(_model.Precision), result.GetValue(_model.Context));
        if (result.GetValue(_shape) is { } shape)
        {
            return result.GetValue(_model.Model) is null
                ? ShapeText.Measure(shape, precision, context)
                : throw new UserErrorException($"{_shape.Name} and {_model.Model.Name} both name a model; give one of them.");
        }

        var folder = await _model.DescribeAsync(
            ModelProgress.ConsoleOf(console, result.GetValue(_json)), null, result, cancellationToken);
        if (!File.Exists(Path.Combine(folder, ModelManifest.FileName)))
            return ModelSize.OfSource(result.GetValue(_model.Model) ?? ModelImport.NameOf(folder), folder, precision, context);
        return precision is null
            ? ModelSize.OfPackage(ModelPackage.Open(folder))
            : throw new UserErrorException($"{_model.Precision.Name}: {folder} is a package, whose precision is in it.");
    }

    private void Check(ParseResult result)
    {
        Require(_model.Context, result.GetValue(_model.Context), 0, int.MaxValue);
        Require(_sequences, result.GetValue(_sequences) ?? 1, 1, 1_000_000);
        Require(_processors, result.GetValue(_processors), 1, 1024);
        Require(_rate, result.GetValue(_rate) ?? 1, 0.000_1, 1_000_000);
        Require(_prompt, result.GetValue(_prompt), 1, 10_000_000);
        Require(_answer, result.GetValue(_answer), 1, 10_000_000);
        Require(_decode, result.GetValue(_decode) ?? 1, 0.01, 10_000_000);
        Require(_prefill, result.GetValue(_prefill) ?? 1, 0.01, 100_000_000);
        Require(_utilization, result.GetValue(_utilization), 0.05, 1);
    }

    private static void Require(Option option, double value, double least, double most)
    {
        if (!(value >= least && value <= most))
            throw new UserErrorException(FormattableString.Invariant($"{option.Name} is {value}; it goes from {least} to {most}."));
    }
}
