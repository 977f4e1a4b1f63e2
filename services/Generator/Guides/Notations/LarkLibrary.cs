namespace Parley.Generator.Guides.Notations;

/// <summary>The terminals that <c>%import common.NAME</c> brings, by name, as regular expressions.</summary>
internal static class LarkLibrary
{
    public static IReadOnlyDictionary<string, string> Patterns { get; } = new SortedDictionary<string, string>(StringComparer.Ordinal)
    {
        ["CNAME"] = "[_A-Za-z][_A-Za-z0-9]*",
        ["CPP_COMMENT"] = "//[^\\n]*",
        ["CR"] = "\\r",
        ["C_COMMENT"] = "/\\*(?:[^*]|\\*+[^*/])*\\*+/",
        ["DECIMAL"] = "[0-9]+\\.[0-9]*|\\.[0-9]+",
        ["DIGIT"] = "[0-9]",
        ["ESCAPED_STRING"] = "\"(?:[^\"\\\\\\n]|\\\\[^\\n])*\"",
        ["FLOAT"] = "[0-9]+[eE][-+]?[0-9]+|(?:[0-9]+\\.[0-9]*|\\.[0-9]+)(?:[eE][-+]?[0-9]+)?",
        ["HEXDIGIT"] = "[0-9A-Fa-f]",
        ["INT"] = "[0-9]+",
        ["LCASE_LETTER"] = "[a-z]",
        ["LETTER"] = "[A-Za-z]",
        ["LF"] = "\\n",
        ["NEWLINE"] = "(?:\\r?\\n)+",
        ["NUMBER"] = "[0-9]+(?:[eE][-+]?[0-9]+)?|(?:[0-9]+\\.[0-9]*|\\.[0-9]+)(?:[eE][-+]?[0-9]+)?",
        ["SH_COMMENT"] = "#[^\\n]*",
        ["SIGNED_FLOAT"] = "[-+]?(?:[0-9]+[eE][-+]?[0-9]+|(?:[0-9]+\\.[0-9]*|\\.[0-9]+)(?:[eE][-+]?[0-9]+)?)",
        ["SIGNED_INT"] = "[-+]?[0-9]+",
        ["SIGNED_NUMBER"] = "[-+]?(?:[0-9]+(?:[eE][-+]?[0-9]+)?|(?:[0-9]+\\.[0-9]*|\\.[0-9]+)(?:[eE][-+]?[0-9]+)?)",
        ["SQL_COMMENT"] = "--[^\\n]*",
        ["UCASE_LETTER"] = "[A-Z]",
        ["WORD"] = "[A-Za-z]+",
        ["WS"] = "[ \\t\\f\\r\\n]+",
        ["WS_INLINE"] = "[ \\t]+",
    };
}
