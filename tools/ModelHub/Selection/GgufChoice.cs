using System.Globalization;
using System.Text.RegularExpressions;
using Parley.ModelHub.Protocol;

namespace Parley.ModelHub.Selection;

/// <summary>One model in a GGUF repository: a file, or the parts of a split one in order.</summary>
/// <param name="Variant">What one writes after the colon: the kind of quantisation, else the file's name.</param>
/// <param name="Name">The file's name, without the numbers of a split one.</param>
/// <param name="Files">The file, or its parts.</param>
public sealed partial record GgufChoice(string Variant, string Name, IReadOnlyList<HubFile> Files)
{
    public long Bytes => Files.Sum(file => file.Bytes);

    /// <exception cref="HubException">A part of a split file is missing.</exception>
    internal static GgufChoice Of(string name, IReadOnlyList<HubFile> files)
    {
        HubFile[] ordered = [.. files.OrderBy(file => file.Path, StringComparer.Ordinal)];
        var match = SplitNumbers().Match(ordered[0].Path);
        if (match.Success && int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) is var count && count != ordered.Length)
            throw new HubException(HubFailure.Refused, $"{name} is split into {count} files, and the repository has {ordered.Length}.");
        var stem = Path.GetFileNameWithoutExtension(name);
        var kind = Quantisation().Matches(stem).LastOrDefault()?.Value.ToUpperInvariant() ?? stem;
        return new GgufChoice(kind, name, ordered);
    }

    /// <summary>Whether somebody means this file: by its kind of quantisation, or by its name with or without the ending.</summary>
    public bool IsCalled(string variant) =>
        string.Equals(variant, Variant, StringComparison.OrdinalIgnoreCase)
        || string.Equals(variant, Path.GetFileName(Name), StringComparison.OrdinalIgnoreCase)
        || string.Equals(variant, Path.GetFileNameWithoutExtension(Name), StringComparison.OrdinalIgnoreCase)
        || Files.Any(file => string.Equals(variant, Path.GetFileName(file.Path), StringComparison.OrdinalIgnoreCase));

    [GeneratedRegex(@"-\d{5}-of-(\d{5})\.gguf\z", RegexOptions.IgnoreCase)]
    private static partial Regex SplitNumbers();

    /// <summary>Kinds as file names spell them: Q4_K_M, IQ4_XS, UD-Q4_K_XL, MXFP4_MOE, TQ1_0, F16, BF16, F32.</summary>
    [GeneratedRegex(@"(?<![A-Za-z0-9])(?:UD-)?(?:I?Q\d(?:_[A-Z0-9]+)*|TQ\d_\d|MXFP4(?:_MOE)?|NVFP4|BF16|F16|FP16|F32|FP32)(?![A-Za-z0-9])",
        RegexOptions.IgnoreCase)]
    private static partial Regex Quantisation();
}
