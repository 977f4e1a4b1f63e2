namespace Parley.Generator.Guides.Limits;

/// <summary>What bounds a guide, whoever wrote it. A guide beyond one of them is refused with a message that names it.</summary>
internal static class GuideLimits
{
    /// <summary>Bytes of a schema's text.</summary>
    public const int SchemaBytesMax = 1 << 20;

    /// <summary>How deep the JSON of a schema may nest.</summary>
    public const int SchemaDepthMax = 128;

    /// <summary>Schemas, subschemas and constants that one guide may hold.</summary>
    public const int SchemasMax = 20_000;

    /// <summary>States of one automaton (a pattern, a bound).</summary>
    public const int AutomatonStatesMax = 20_000;

    /// <summary>States of the nondeterministic automaton of one pattern.</summary>
    public const int PatternStatesMax = 60_000;

    /// <summary>Members of one formula (alternatives of one anyOf, entries of one enum that are objects or arrays).</summary>
    public const int FormulaMembersMax = 4_096;

    /// <summary>Verdicts that one value may owe to what encloses it, beyond what it must be.</summary>
    public const int OwedVerdictsMax = 64;

    /// <summary>States of a guide as a whole; the caches of one guide stay in about 100 MB.</summary>
    public const int StatesMax = 200_000;

    /// <summary>Steps of search that compiling, one mask or one token may take.</summary>
    public const int SearchStepsMax = 2_000_000;
}
