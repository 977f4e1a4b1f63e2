using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Templating.Evaluation;

/// <summary>Every filter of Jinja by name, with the parameters it takes after its value.</summary>
internal static class FilterParameters
{
    // Null: any number, passed on to a format, a filter or a test.
    private static readonly Dictionary<string, string[]?> Names = new(StringComparer.Ordinal)
    {
        ["abs"] = [],
        ["attr"] = ["name"],
        ["batch"] = ["linecount", "fill_with"],
        ["capitalize"] = [],
        ["center"] = ["width"],
        ["count"] = [],
        ["d"] = ["default_value", "boolean"],
        ["default"] = ["default_value", "boolean"],
        ["dictsort"] = ["case_sensitive", "by", "reverse"],
        ["e"] = [],
        ["escape"] = [],
        ["filesizeformat"] = ["binary"],
        ["first"] = [],
        ["float"] = ["default"],
        ["forceescape"] = [],
        ["format"] = null,
        ["groupby"] = ["attribute", "default", "case_sensitive"],
        ["indent"] = ["width", "first", "blank"],
        ["int"] = ["default", "base"],
        ["items"] = [],
        ["join"] = ["d", "attribute"],
        ["last"] = [],
        ["length"] = [],
        ["list"] = [],
        ["lower"] = [],
        ["map"] = null,
        ["max"] = ["case_sensitive", "attribute"],
        ["min"] = ["case_sensitive", "attribute"],
        ["pprint"] = [],
        ["random"] = [],
        ["reject"] = null,
        ["rejectattr"] = null,
        ["replace"] = ["old", "new", "count"],
        ["reverse"] = [],
        ["round"] = ["precision", "method"],
        ["safe"] = [],
        ["select"] = null,
        ["selectattr"] = null,
        ["slice"] = ["slices", "fill_with"],
        ["sort"] = ["reverse", "case_sensitive", "attribute"],
        ["string"] = [],
        ["striptags"] = [],
        ["sum"] = ["attribute", "start"],
        ["title"] = [],
        ["tojson"] = ["ensure_ascii", "indent", "separators", "sort_keys"],
        ["trim"] = ["chars"],
        ["truncate"] = ["length", "killwords", "end", "leeway"],
        ["unique"] = ["case_sensitive", "attribute"],
        ["upper"] = [],
        ["urlencode"] = [],
        ["urlize"] = ["trim_url_limit", "nofollow", "target", "rel", "extra_schemes"],
        ["wordcount"] = [],
        ["wordwrap"] = ["width", "break_long_words", "wrapstring", "break_on_hyphens"],
        ["xmlattr"] = ["autospace"],
    };

    public static bool IsKnown(string name) => Names.ContainsKey(name);

    /// <summary>Refuses a filter that does not exist and arguments that it does not take.</summary>
    public static void Check(string name, CallArguments arguments)
    {
        if (!Names.TryGetValue(name, out var parameters))
            throw new TemplateException("TemplateRuntimeError", $"No filter named '{name}' found.");
        if (parameters is not null && (arguments.Positional.Count > 0 || arguments.Keywords.Count > 0))
            arguments.AtMost(parameters.Length, parameters);
    }
}
