using System.CommandLine;
using Parley.Cli.Evaluation;
using Parley.ModelImporter;
using Parley.ModelPackages;

namespace Parley.Cli.Packages;

/// <summary>The options of <c>parley import</c> that say how int4 is rounded.</summary>
internal sealed class RoundingSelection
{
    private const string Bundled = "bundled";
    private const string None = "none";

    private readonly Option<string[]> _calibrate = new("--calibrate")
    {
        Description = $"int4: the text for whose activations weights are rounded with error feedback: {Bundled}, which comes with Parley, "
            + $"or UTF-8 files of your own; {None} rounds plainly. {Bundled} without it, but for checkpoints that lie on a 4-bit grid.",
        AllowMultipleArgumentsPerToken = true,
        HelpName = $"{Bundled}|{None}|FILE",
    };

    private readonly Option<int> _calibrationTokens = new("--calibration-tokens")
    {
        Description = $"Tokens of that text to use, up to {ImportOptions.CalibrationTokensMax}.",
        DefaultValueFactory = _ => DefaultRounding.CalibrationTokens,
    };

    private readonly Option<int?> _group = new("--group")
    {
        Description = "int4: weights per scale, 32, 64 or 128, also where the checkpoint lies on a grid of its own. "
            + $"Without it 64, and 32 with --calibrate {None}.",
    };

    private readonly Option<bool> _scaleOnly = new("--scale-only") { Description = "int4: no minimum per group, as Q4_0." };

    private readonly Option<bool> _dequantize = new("--dequantize")
    {
        Description = "int4: store the rounded weights as fp32, to evaluate them apart from int8 activations.",
    };

    private readonly Option<int?> _headBits = new("--head-bits")
    {
        Description = "With --dequantize: bits of embedding and head, 8, 6 or 4; exact without it.",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(_calibrate);
        command.Options.Add(_calibrationTokens);
        command.Options.Add(_group);
        command.Options.Add(_scaleOnly);
        command.Options.Add(_dequantize);
        command.Options.Add(_headBits);
    }

    /// <summary>The options with what the command line says of rounding.</summary>
    /// <exception cref="UserErrorException">A combination makes no sense, or a file cannot be read.</exception>
    public ImportOptions Apply(ImportOptions options, ParseResult result)
    {
        var files = result.GetValue(_calibrate) ?? [];
        var tokens = result.GetValue(_calibrationTokens);
        if (tokens is < 1 or > ImportOptions.CalibrationTokensMax)
            throw new UserErrorException($"--calibration-tokens is {tokens}; it goes from 1 to {ImportOptions.CalibrationTokensMax}.");
        if (result.GetValue(_group) is not (null or 32 or 64 or 128))
            throw new UserErrorException($"--group is {result.GetValue(_group)}; it is 32, 64 or 128.");
        if (result.GetValue(_headBits) is { } bits && !(bits is 8 or 6 or 4 && result.GetValue(_dequantize)))
            throw new UserErrorException($"--head-bits is {bits}; it is 8, 6 or 4, and goes with --dequantize.");
        if (options.Precision != "int4" && (files.Length > 0 || result.GetValue(_group) is not null || result.GetValue(_scaleOnly)
            || result.GetValue(_dequantize)))
            throw new UserErrorException("--calibrate, --group, --scale-only and --dequantize go with --precision int4.");
        return options with
        {
            CalibrationIds = options.Precision == "int4" ? Calibrate(options.Source, files, tokens) : null,
            Int4Group = result.GetValue(_group),
            Int4ScaleOnly = result.GetValue(_scaleOnly),
            Dequantize = result.GetValue(_dequantize),
            HeadBits = result.GetValue(_headBits),
        };
    }

    private static int[]? Calibrate(string source, string[] files, int tokens) => files switch
    {
        [None] => null,
        [] or [Bundled] => DefaultRounding.Encode(source, tokens),
        _ => DefaultRounding.WithSmallFiles<int[]>(
            source, folder => [.. EvaluationText.Encode(folder, files, tokens).Ids.Select(id => (int)id)]),
    };
}
