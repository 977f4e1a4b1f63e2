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
}
