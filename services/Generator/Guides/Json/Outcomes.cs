using Parley.Generator.Guides.Automata;

namespace Parley.Generator.Guides.Json;

/// <summary>The verdicts on a value that what encloses it has asked for, beyond what the value had to meet: two bits each.</summary>
internal readonly record struct Outcomes(UInt128 Bits)
{
    public Verdict this[int index] => (Verdict)(byte)((Bits >> (2 * index)) & 3);

    public Outcomes With(int index, Verdict verdict) => new(Bits | ((UInt128)(byte)verdict << (2 * index)));
}
