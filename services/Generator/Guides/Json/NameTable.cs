using System.Text;
using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Formulas;
using Parley.Generator.Guides.Schemas;

namespace Parley.Generator.Guides.Json;

/// <summary>The keys that an object's schemas name: first those that come in order, then those that may stand anywhere.</summary>
internal sealed class NameTable
{
    private static readonly byte[] Unwritable = [0];
    private readonly Dictionary<string, int> _indices = [];
    private readonly byte[][] _written;

    private NameTable(List<string> names, int ordered)
    {
        Names = names;
        Ordered = ordered;
        var words = new byte[names.Count][];
        for (var i = 0; i < names.Count; i++)
        {
            _indices.Add(names[i], i);
            words[i] = ByteSequences.Written(names[i]) ?? Unwritable;
        }

        Words = new WordSetAutomaton(words);
        _written = words;
    }

    public IReadOnlyList<string> Names { get; }

    /// <summary>How many of them come in order.</summary>
    public int Ordered { get; }

    /// <summary>The names as they are written.</summary>
    public WordSetAutomaton Words { get; }

    /// <summary>The keys of the objects that a goal is about.</summary>
    public static NameTable Of(Goal goal)
    {
        var names = new List<string>();
        var known = new HashSet<string>();
        var schemas = new List<Atom>();
        var seen = new HashSet<Formula>();
        foreach (var formula in goal.Order)
            formula.CollectAtoms(schemas, seen);
        foreach (var name in schemas.OfType<Schema>().SelectMany(schema => schema.Names).Where(known.Add))
            names.Add(name);
        var ordered = goal.Machine.AnyOrder ? 0 : names.Count;
        var atoms = new List<Atom>();
        seen.Clear();
        foreach (var formula in goal.For(JsonKind.Object))
            formula.CollectAtoms(atoms, seen);
        foreach (var name in atoms.SelectMany(More).Where(known.Add))
            names.Add(name);
        return new NameTable(names, ordered);
    }

    /// <summary>Whether a text can have a name as a key: none has half a surrogate pair.</summary>
    public bool IsWritable(int index) => _written[index] != Unwritable;

    /// <summary>Where a name stands; −1 for one that is not in the table.</summary>
    public int IndexOf(string name) => _indices.GetValueOrDefault(name, -1);

    /// <summary>A key as it is written, as a string.</summary>
    public static string Text(ReadOnlySpan<byte> written) => JsonTree.Parse($"\"{Encoding.UTF8.GetString(written)}\"").Text;

    private static IEnumerable<string> More(Atom atom) => atom switch
    {
        KeyAtom key => [key.Name],
        PropertyAtom members => members.Named.Keys,
        UnevaluatedPropertiesAtom rest => rest.Others.SelectMany(other => other.Keys?.Named.Keys ?? []),
        _ => [],
    };
}
