namespace Parley.Generator.Guides.Limits;

/// <summary>How much a guide may take, whoever wrote it; the service's settings make it (<c>Generator:Guides</c>).</summary>
internal sealed record GuideBudget
{
    public static GuideBudget Default { get; } = new();

    /// <summary>Bytes of a schema's text.</summary>
    public int SchemaBytesMax { get; init; } = 1 << 20;

    /// <summary>How deep the JSON of a schema may nest.</summary>
    public int SchemaDepthMax { get; init; } = 128;

    /// <summary>Schemas, subschemas and constants that one guide may hold.</summary>
    public int SchemasMax { get; init; } = 20_000;

    /// <summary>States of one automaton (a pattern, a bound).</summary>
    public int AutomatonStatesMax { get; init; } = 20_000;

    /// <summary>States of the nondeterministic automaton of one pattern.</summary>
    public int PatternStatesMax { get; init; } = 60_000;

    /// <summary>Members of one formula (alternatives of one anyOf, entries of one enum that are objects or arrays).</summary>
    public int FormulaMembersMax { get; init; } = 4_096;

    /// <summary>Verdicts that one value may owe to what encloses it, beyond what it must be; no setting: they are bits of a word.</summary>
    public int OwedVerdictsMax { get; init; } = 64;

    /// <summary>States of a guide as a whole; at the default the caches of one guide stay in about 100 MB.</summary>
    public int StatesMax { get; init; } = 200_000;

    /// <summary>Rules of one grammar.</summary>
    public int GrammarRulesMax { get; init; } = 10_000;

    /// <summary>Nodes of a grammar's network, its repetitions and small rules written out.</summary>
    public int GrammarNodesMax { get; init; } = 200_000;

    /// <summary>Ways in which one place of a text may be read under a grammar.</summary>
    public int GrammarItemsMax { get; init; } = 10_000;

    /// <summary>Steps of search that compiling, one mask or one token may take.</summary>
    public int SearchStepsMax { get; init; } = 2_000_000;
}
