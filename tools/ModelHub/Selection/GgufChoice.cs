using System.Globalization;
using System.Text.RegularExpressions;
using Parley.ModelHub.Protocol;

namespace Parley.ModelHub.Selection;

/// <summary>One model in a GGUF repository: a file, or the parts of a split one in order.</summary>
/// <param name="Kind">The kind of quantisation, as the name of the file or of its folder says it; else the file's name.</param>
/// <param name="Name">The file's path, without the numbers of a split one.</param>
/// <param name="Files">The file, or its parts.</param>
public sealed partial record GgufChoice(string Kind, string Name, IReadOnlyList<HubFile> Files)
{
    /// <summary>What one writes after the colon: the kind, or the file's name or path where others are of this kind.</summary>
    public string Variant { get; init; } = Kind;

    /// <summary>Files that the model was split into; the repository may lack some.</summary>
    public int Parts { get; private init; } = 1;

    /// <summary>Whether all of them are there.</summary>
    public bool IsWhole => Parts == Files.Count;

    public long Bytes => Files.Sum(file => file.Bytes);

    internal static GgufChoice Of(string name, IReadOnlyList<HubFile> files)
    {
        HubFile[] ordered = [.. files.OrderBy(file => file.Path, StringComparer.Ordinal)];
        var match = SplitNumbers().Match(ordered[0].Path);
        // Some repositories say the kind by a folder, and all files are called alike.
        var kind = name.Split('/').Reverse().Select(part => Quantisation().Matches(part).LastOrDefault()?.Value)
            .FirstOrDefault(found => found is not null);
        return new GgufChoice(kind?.ToUpperInvariant() ?? Path.GetFileNameWithoutExtension(name), name, ordered)
        {
            Parts = match.Success ? int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 1,
        };
    }

    /// <summary>The file's name without its ending.</summary>
    public string Stem => Path.GetFileNameWithoutExtension(Name);

    /// <summary>One way to write what somebody wrote, so that a model has one name: the kind, the file's name or its path.</summary>
    public string Canonical(string variant)
    {
        ArgumentNullException.ThrowIfNull(variant);
        return string.Equals(variant, Kind, StringComparison.OrdinalIgnoreCase) ? Kind
            : variant.Contains('/', StringComparison.Ordinal) ? Name : Stem;
    }

    /// <summary>Whether somebody means this file: by its kind of quantisation, or by its name with or without the ending.</summary>
    public bool IsCalled(string variant) =>
        string.Equals(variant, Kind, StringComparison.OrdinalIgnoreCase)
        || string.Equals(variant, Path.GetFileName(Name), StringComparison.OrdinalIgnoreCase)
        || string.Equals(variant, Stem, StringComparison.OrdinalIgnoreCase)
        || string.Equals(variant, Name, StringComparison.OrdinalIgnoreCase)
        || Files.Any(file => string.Equals(variant, Path.GetFileName(file.Path), StringComparison.OrdinalIgnoreCase)
            || string.Equals(variant, file.Path, StringComparison.OrdinalIgnoreCase));

    [GeneratedRegex(@"-\d{5}-of-(\d{5})\.gguf\z", RegexOptions.IgnoreCase)]
    private static partial Regex SplitNumbers();

    /// <summary>Kinds as file names spell them: Q4_K_M, IQ4_XS, UD-Q4_K_XL, MXFP4_MOE, TQ1_0, F16, BF16, F32.</summary>
    [GeneratedRegex(@"(?<![A-Za-z0-9])(?:UD-)?(?:I?Q\d(?:_[A-Z0-9]+)*|TQ\d_\d|MXFP4(?:_MOE)?|NVFP4|BF16|F16|FP16|F32|FP32)(?![A-Za-z0-9])",
        RegexOptions.IgnoreCase)]
    private static partial Regex Quantisation();
}
