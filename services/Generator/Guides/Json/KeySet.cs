using Parley.Generator.Guides.Automata;

namespace Parley.Generator.Guides.Json;

/// <summary>The keys outside the order that an object has already. Equal sets are the same object.</summary>
internal sealed class KeySet
{
    private readonly JsonMachine _machine;
    private WordSetAutomaton? _words;

    public KeySet(JsonMachine machine, string[] keys) => (_machine, Keys) = (machine, keys);

    /// <summary>Sorted.</summary>
    public string[] Keys { get; }

    public WordSetAutomaton Words => _words ??= new WordSetAutomaton([.. Keys.Select(ByteSequences.Written).OfType<byte[]>()]);

    public bool Has(string key) => Array.BinarySearch(Keys, key, StringComparer.Ordinal) >= 0;

    public KeySet With(string key)
    {
        string[] keys = [.. Keys, key];
        Array.Sort(keys, StringComparer.Ordinal);
        return _machine.Keys(keys);
    }
}
