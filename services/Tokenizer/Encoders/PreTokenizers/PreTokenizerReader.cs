using System.Text;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>Builds the pre-tokenizer that tokenizer.json describes; what it does not know it refuses by name.</summary>
internal static class PreTokenizerReader
{
    public static PreTokenizerPipeline Read(JsonSection? section)
    {
        if (section is null)
            return PreTokenizerPipeline.Empty;
        var steps = new List<PreTokenizerStep>();
        AddSteps(section.Value, steps);
        if (steps.Count == 0 || steps[^1] is not ByteLevelStep)
            return new PreTokenizerPipeline(steps, EndsInBytes: false);
        steps.RemoveAt(steps.Count - 1);
        // Bytes of bytes (two byte levels in a row) are left to the general path.
        return steps.Exists(step => step is ByteLevelStep)
            ? new PreTokenizerPipeline([.. steps, new ByteLevelStep()], EndsInBytes: false)
            : new PreTokenizerPipeline(steps, EndsInBytes: true);
    }

    private static void AddSteps(JsonSection section, List<PreTokenizerStep> steps)
    {
        switch (section.Type)
        {
            case "Sequence":
                section.AllowOnly("pretokenizers");
                foreach (var item in section.Items("pretokenizers"))
                    AddSteps(item, steps);
                break;
            case "ByteLevel":
                section.AllowOnly("add_prefix_space", "trim_offsets", "use_regex");
                if (section.Flag("add_prefix_space", true))
                    steps.Add(new PrefixSpaceStep());
                if (section.Flag("use_regex", true))
                    steps.Add(PatternScanner.Gpt2);
                steps.Add(new ByteLevelStep());
                break;
            case "Split":
                steps.Add(ReadSplit(section));
                break;
            case "Digits":
                section.AllowOnly("individual_digits");
                steps.Add(new RuneSplitter(rune => UnicodeClasses.RustNumeric.Contains(rune.Value),
                    section.Flag("individual_digits", false) ? SplitBehavior.Isolated : SplitBehavior.Contiguous));
                break;
            case "Punctuation":
                section.AllowOnly("behavior");
                steps.Add(new RuneSplitter(IsPunctuation, Behavior(section, "Isolated")));
                break;
            case "Whitespace":
                section.AllowOnly();
                steps.Add(new WordSplitter());
                break;
            case "WhitespaceSplit":
                section.AllowOnly();
                steps.Add(new RuneSplitter(Rune.IsWhiteSpace, SplitBehavior.Removed));
                break;
            case "CharDelimiterSplit":
                section.AllowOnly("delimiter");
                steps.Add(new RegexSplitter(section.Text("delimiter"), null, SplitBehavior.Removed, invert: false));
                break;
            case "BertPreTokenizer":
                section.AllowOnly();
                steps.Add(new RuneSplitter(Rune.IsWhiteSpace, SplitBehavior.Removed));
                steps.Add(new RuneSplitter(IsPunctuation, SplitBehavior.Isolated));
                break;
            case "Metaspace":
                steps.Add(ReadMetaspace(section));
                break;
            default:
                throw section.UnknownType("the pre-tokenizer");
        }
    }

    private static bool IsPunctuation(Rune rune) => UnicodeClasses.RustPunctuation.Contains(rune.Value);

    private static PreTokenizerStep ReadSplit(JsonSection section)
    {
        section.AllowOnly("pattern", "behavior", "invert");
        var behavior = Behavior(section, "");
        var invert = section.Flag("invert", false);
        // What a scanner leaves between its matches is nothing, so isolated matches and removed gaps are the same.
        var covers = (behavior == SplitBehavior.Isolated) || (behavior == SplitBehavior.Removed && invert);
        if (covers && section.Section("pattern").Has("Regex")
            && PatternScanner.ForPattern(section.Section("pattern").Text("Regex")) is { } scanner)
            return scanner;
        var (literal, pattern) = SplitPattern.Read(section);
        return new RegexSplitter(literal, pattern, behavior, invert);
    }

    private static MetaspaceStep ReadMetaspace(JsonSection section)
    {
        section.AllowOnly("replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep");
        var replacement = section.Text("replacement", "▁");
        if (replacement.Length != 1)
            throw section.Fault($"replacement \"{replacement}\" is not one character");
        var scheme = section.Text("prepend_scheme", section.Flag("add_prefix_space", true) ? "always" : "never") switch
        {
            "always" => MetaspaceStep.PrependScheme.Always,
            "first" => MetaspaceStep.PrependScheme.First,
            "never" => MetaspaceStep.PrependScheme.Never,
            var other => throw section.Fault($"prepend_scheme \"{other}\" is not supported"),
        };
        return new MetaspaceStep(replacement[0], scheme, section.Flag("split", true));
    }

    private static SplitBehavior Behavior(JsonSection section, string unset) =>
        Enum.TryParse<SplitBehavior>(section.Text("behavior", unset), out var behavior)
            ? behavior
            : throw section.Fault($"behavior \"{section.Text("behavior", unset)}\" is not supported");
}
