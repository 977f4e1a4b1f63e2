using System.ComponentModel.DataAnnotations;
using Parley.Generator.Guides;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guidance;

/// <summary>
/// Settings of guides: section <c>Generator:Guides</c>. Whoever may send a request may send a guide, so everything that one can take is
/// bounded here; beyond a bound it is refused with a message that names what was too much.
/// </summary>
internal sealed class GuideOptions
{
    /// <summary>Bytes of a guide's text: the schema, the expression, the grammar, the structural tag, or all choices.</summary>
    /// <value>1 to 16,777,216; default 1,048,576.</value>
    [Range(1, 1 << 24)]
    public int TextBytesMax { get; set; } = 1 << 20;

    /// <summary>How deep the JSON of a schema may nest.</summary>
    /// <value>1 to 1,000; default 128.</value>
    [Range(1, 1000)]
    public int SchemaDepthMax { get; set; } = 128;

    /// <summary>Schemas, subschemas and constants of one guide.</summary>
    /// <value>1 to 1,000,000; default 20,000.</value>
    [Range(1, 1_000_000)]
    public int SchemasMax { get; set; } = 20_000;

    /// <summary>States of one automaton of a guide: a pattern, a bound.</summary>
    /// <value>1 to 1,000,000; default 20,000.</value>
    [Range(1, 1_000_000)]
    public int AutomatonStatesMax { get; set; } = 20_000;

    /// <summary>Places of one pattern, its repetitions written out.</summary>
    /// <value>1 to 1,000,000; default 60,000.</value>
    [Range(1, 1_000_000)]
    public int PatternStatesMax { get; set; } = 60_000;

    /// <summary>Alternatives in one place of a schema, entries of an enum that are objects or arrays among them.</summary>
    /// <value>1 to 1,000,000; default 4,096.</value>
    [Range(1, 1_000_000)]
    public int AlternativesMax { get; set; } = 4096;

    /// <summary>Rules of one grammar.</summary>
    /// <value>1 to 1,000,000; default 10,000.</value>
    [Range(1, 1_000_000)]
    public int GrammarRulesMax { get; set; } = 10_000;

    /// <summary>Nodes of one grammar or structural tag, its repetitions written out.</summary>
    /// <value>1 to 10,000,000; default 200,000.</value>
    [Range(1, 10_000_000)]
    public int GrammarNodesMax { get; set; } = 200_000;

    /// <summary>Ways in which one place of a text may be read under a grammar: how ambiguous it may be.</summary>
    /// <value>1 to 1,000,000; default 10,000.</value>
    [Range(1, 1_000_000)]
    public int GrammarItemsMax { get; set; } = 10_000;

    /// <summary>
    /// States of a guide as a whole, those that answers add among them: its memory, some 500 bytes for each. A grammar that has met more
    /// forgets them and goes on.
    /// </summary>
    /// <value>1 to 10,000,000; default 200,000.</value>
    [Range(1, 10_000_000)]
    public int StatesMax { get; set; } = 200_000;

    /// <summary>Steps of search that compiling may take, and each mask, and each token.</summary>
    /// <value>1 to 1,000,000,000; default 2,000,000.</value>
    [Range(1, 1_000_000_000)]
    public int SearchStepsMax { get; set; } = 2_000_000;

    /// <summary>How long compiling a guide may take.</summary>
    /// <value>1 to 60,000 ms; default 1,000.</value>
    [Range(1, 60_000)]
    public int CompileMilliseconds { get; set; } = 1000;

    /// <summary>Guides that are compiled at once, beside the steps; others wait.</summary>
    /// <value>1 to 64; default 2.</value>
    [Range(1, 64)]
    public int CompilationsMax { get; set; } = 2;

    /// <summary>
    /// Guides that are kept by their content, those that are being compiled among them; where as many are being compiled, one more is
    /// refused until one is done.
    /// </summary>
    /// <value>1 to 4,096; default 32.</value>
    [Range(1, 4096)]
    public int CachedMax { get; set; } = 32;

    /// <summary>
    /// Memory of the guides that are kept, with the states and masks that they have learnt: beyond it the longest unused ones are
    /// forgotten, but for the one in hand. One guide alone is bounded by the settings above.
    /// </summary>
    /// <value>1 to 1,048,576 MiB; default 512.</value>
    [Range(1, 1 << 20)]
    public int CachedMegabytesMax { get; set; } = 512;

    /// <summary>The keys that a schema names may come in any order; else they come in the schema's.</summary>
    /// <value>Default false.</value>
    public bool AnyOrder { get; set; }

    /// <summary>Spaces and line breaks may stand wherever JSON lets them; else there are none.</summary>
    /// <value>Default false.</value>
    public bool FreeWhitespace { get; set; }

    /// <summary>The format <c>byte</c> of OpenAPI asserts that a string is base64; else it is a note, as it is to validators.</summary>
    /// <value>Default false.</value>
    public bool AssertsByte { get; set; }

    /// <summary>How JSON is written.</summary>
    public GuideSettings ToSettings() => new() { AnyOrder = AnyOrder, FreeWhitespace = FreeWhitespace, AssertsByte = AssertsByte };

    /// <summary>What bounds one guide.</summary>
    public GuideBudget ToBudget() => new()
    {
        SchemaBytesMax = TextBytesMax,
        SchemaDepthMax = SchemaDepthMax,
        SchemasMax = SchemasMax,
        AutomatonStatesMax = AutomatonStatesMax,
        PatternStatesMax = PatternStatesMax,
        FormulaMembersMax = AlternativesMax,
        GrammarRulesMax = GrammarRulesMax,
        GrammarNodesMax = GrammarNodesMax,
        GrammarItemsMax = GrammarItemsMax,
        StatesMax = StatesMax,
        SearchStepsMax = SearchStepsMax,
    };
}
