using Parley.Generator.Guides.Schemas;

namespace Parley.Generator.Guides.Json;

/// <summary>Within <c>true</c>, <c>false</c> or <c>null</c>.</summary>
internal sealed class LiteralState : JsonState
{
    private static readonly string[] Words = ["null", "false", "true"];
    private readonly string _word;
    private readonly int _at;
    private LiteralState? _next;

    private LiteralState(string word, int at, Outcomes outcomes) => (_word, _at, Outcomes) = (word, at, outcomes);

    /// <summary>The verdicts at its end.</summary>
    public Outcomes Outcomes { get; }

    public bool IsLast => _at == _word.Length - 1;

    /// <summary>The state behind the word's first letter; null when the word is not what is asked for.</summary>
    public static LiteralState? Begin(JsonKind kind, Outcomes? outcomes) =>
        outcomes is { } verdicts ? new LiteralState(Words[(int)kind], 1, verdicts) { CanEnd = true } : null;

    /// <summary>Whether the byte is the word's next letter.</summary>
    public bool Takes(byte next) => _word[_at] == next;

    public LiteralState Next() => _next ??= new LiteralState(_word, _at + 1, Outcomes) { CanEnd = true };
}
