using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>The <c>pattern</c> of a stage: <c>{"String": …}</c> or <c>{"Regex": …}</c>.</summary>
internal static class SplitPattern
{
    /// <summary>The literal or the compiled expression; one of the two is null.</summary>
    public static (string? Literal, ShadowRegex? Pattern) Read(JsonSection owner)
    {
        var section = owner.Section("pattern");
        if (section.Element.ValueKind == System.Text.Json.JsonValueKind.String)
            return (section.Element.GetString(), null);
        if (section.Has("String"))
            return (section.Text("String"), null);
        if (!section.Has("Regex"))
            throw section.Fault("is neither a String nor a Regex");
        try
        {
            return (null, new ShadowRegex(section.Text("Regex")));
        }
        catch (ArgumentException exception)
        {
            throw section.Fault($"holds a regular expression that is not supported: {exception.Message}");
        }
    }
}
