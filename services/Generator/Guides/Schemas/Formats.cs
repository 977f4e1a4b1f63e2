using System.Collections.Concurrent;
using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Formulas;

namespace Parley.Generator.Guides.Schemas;

/// <summary>The formats that JSON Schema names, and OpenAPI's <c>byte</c>; every other name asserts nothing.</summary>
internal static class Formats
{
    private const int HostCharactersMax = 253;
    private static readonly ConcurrentDictionary<string, PatternProgram> Programs = new();

    /// <summary>What a format asks of a string; null for a name that nobody has defined.</summary>
    public static Formula? Find(string name, AtomTable table, bool assertsByte)
    {
        var formulas = table.Formulas;
        return name switch
        {
            "date" => Whole(table, name, FormatPatterns.Date),
            "time" => formulas.Of(table.Text("ftime", () => new TimeAutomaton())),
            "date-time" => formulas.Of(table.Text("fdate-time", () => new JoinedAutomaton(
                new PatternAutomaton(Program("date", FormatPatterns.Date)), "Tt"u8.ToArray(), new TimeAutomaton()))),
            "duration" => Whole(table, name, FormatPatterns.Duration),
            "email" => Whole(table, name, FormatPatterns.Email),
            "idn-email" => Whole(table, name, FormatPatterns.InternationalEmail),
            "hostname" => formulas.And(Partly(table, name, FormatPatterns.Host), formulas.Not(table.Length(HostCharactersMax + 1))),
            "ipv4" => Whole(table, name, FormatPatterns.Ipv4),
            "ipv6" => Whole(table, name, FormatPatterns.Ipv6),
            "uri" => Whole(table, name, FormatPatterns.Uri),
            "uri-reference" => Whole(table, name, FormatPatterns.UriReference),
            "iri" => Whole(table, name, FormatPatterns.Iri),
            "iri-reference" => Whole(table, name, FormatPatterns.IriReference),
            "uri-template" => Whole(table, name, FormatPatterns.UriTemplate),
            "json-pointer" => Whole(table, name, FormatPatterns.Pointer),
            "relative-json-pointer" => Whole(table, name, FormatPatterns.RelativePointer),
            "uuid" => Whole(table, name, FormatPatterns.Uuid),
            "regex" => Partly(table, name, FormatPatterns.Regex),
            "byte" when assertsByte => Whole(table, name, FormatPatterns.Base64),
            _ => null,
        };
    }

    private static Formula Whole(AtomTable table, string name, string pattern) =>
        table.Formulas.Of(table.Text("f" + name, () => new PatternAutomaton(Program(name, pattern))));

    private static Formula Partly(AtomTable table, string name, string pattern) =>
        table.Formulas.Of(table.Text("f" + name, () => new PartialAutomaton(new PatternAutomaton(Program(name, pattern)))));

    private static PatternProgram Program(string name, string pattern) =>
        Programs.GetOrAdd(name, _ => new PatternProgram(RegexParser.Parse(pattern).Whole(), TextEncoding.Json));
}
