namespace Parley.Tokenizer.Encoders.Normalizers;

/// <summary>Normalizers one after the other.</summary>
internal sealed class NormalizerSequence(IReadOnlyList<TextNormalizer> steps) : TextNormalizer
{
    public override string Normalize(string original)
    {
        var text = original;
        foreach (var step in steps)
            text = step.Normalize(text);
        return text;
    }

    public override bool DropsStart(string original)
    {
        var text = original;
        for (var i = 0; i < steps.Count; i++)
        {
            if (steps[i].DropsStart(text))
                return true;
            // Only what a later step may see is worth the work.
            if (i + 1 < steps.Count && steps.Skip(i + 1).Any(step => step is StripNormalizer or NmtNormalizer or NormalizerSequence))
                text = steps[i].Normalize(text);
        }

        return false;
    }
}
