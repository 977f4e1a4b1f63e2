using System.Text;
using Parley.Tokenizer.Encoders.PreTokenizers;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Encoders.Normalizers;

/// <summary>Builds the normalizer that tokenizer.json describes; what it does not know it refuses by name.</summary>
internal static class NormalizerReader
{
    public static TextNormalizer Read(JsonSection section)
    {
        switch (section.Type)
        {
            case "Sequence":
                section.AllowOnly("normalizers");
                return new NormalizerSequence([.. section.Items("normalizers").Select(Read)]);
            case "NFC" or "NFD" or "NFKC" or "NFKD":
                section.AllowOnly();
                UnicodeNormalizer.CheckRuntime();
                return new UnicodeNormalizer(section.Type switch
                {
                    "NFC" => NormalizationForm.FormC,
                    "NFD" => NormalizationForm.FormD,
                    "NFKC" => NormalizationForm.FormKC,
                    _ => NormalizationForm.FormKD,
                });
            case "Prepend":
                section.AllowOnly("prepend");
                return new PrependNormalizer(section.Text("prepend"));
            case "Replace":
                section.AllowOnly("pattern", "content");
                var (literal, pattern) = SplitPattern.Read(section);
                return new ReplaceNormalizer(literal, pattern, section.Text("content"));
            case "Strip":
                section.AllowOnly("strip_left", "strip_right");
                return new StripNormalizer(section.Flag("strip_left", true), section.Flag("strip_right", true));
            case "Lowercase":
                section.AllowOnly();
                return new LowercaseNormalizer();
            case "StripAccents":
                section.AllowOnly();
                return new StripAccentsNormalizer();
            case "Nmt":
                section.AllowOnly();
                return new NmtNormalizer();
            case "Precompiled":
                section.AllowOnly("precompiled_charsmap");
                return ReadPrecompiled(section);
            default:
                throw section.UnknownType("the normalizer");
        }
    }

    private static PrecompiledNormalizer ReadPrecompiled(JsonSection section)
    {
        try
        {
            return new PrecompiledNormalizer(new CharacterMap(Convert.FromBase64String(section.Text("precompiled_charsmap"))));
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException)
        {
            throw section.Fault($"precompiled_charsmap is broken: it {exception.Message}");
        }
    }
}
