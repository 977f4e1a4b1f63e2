using Parley.PackageFormat;

namespace Parley.ModelImporter.Architectures;

/// <summary>What whoever runs a package must know of its positions and windows.</summary>
internal static class PositionRules
{
    /// <summary>Whether positions depend on the length of the text within what a package serves.</summary>
    /// <param name="settings">The positions.</param>
    /// <param name="positions">Longest sequence of the package.</param>
    public static bool DependsOnLength(RotarySettings settings, int positions) =>
        settings.DependsOnLength && positions > settings.OriginalContext;

    /// <summary>The rule of a package; null where its positions depend on nothing but themselves.</summary>
    public static PositionRule? Of(DecoderConfig config, int positions)
    {
        var found = config.Layers.Select(layer => layer.Rotary).OfType<RotarySettings>()
            .Where(rotary => DependsOnLength(rotary, positions)).ToList();
        return found.Count == 0 ? null
            : new PositionRule(found[0].Scaling == RotaryScaling.Dynamic ? PositionRule.Dynamic : PositionRule.LongRope,
                found[0].OriginalContext);
    }

    /// <summary>The largest window, where every layer has one that is less than the longest sequence; else null.</summary>
    public static int? WindowOf(DecoderConfig config, int positions)
    {
        var attention = config.Layers.Where(layer => layer.Recurrence is null).ToList();
        var largest = attention.Count == 0 || attention.Any(layer => layer.Window == 0) ? int.MaxValue
            : attention.Max(layer => layer.Window);
        return largest < positions ? largest : null;
    }

    /// <summary>Refuses layers whose positions depend on the length in different ways: a sequence has one length.</summary>
    /// <exception cref="InvalidDataException">There are such.</exception>
    public static void Check(DecoderConfig config, string path)
    {
        var rules = config.Layers.Select(layer => layer.Rotary).OfType<RotarySettings>().Where(rotary => rotary.DependsOnLength)
            .Select(rotary => (rotary.Scaling, rotary.OriginalContext)).Distinct().Count();
        if (rules > 1)
            throw new InvalidDataException($"{path}: rope_parameters scale layers by the length of the text in different ways.");
    }
}
