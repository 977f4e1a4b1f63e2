using Parley.Generator.Guides.Automata;

namespace Parley.Generator.Guides.Json;

/// <summary>Within a key.</summary>
internal sealed class KeyState(ObjectState members, int name, int used, TextState text) : JsonState
{
    public ObjectState Object { get; } = members;

    /// <summary>Node in the words of the object's names.</summary>
    public int Name { get; } = name;

    /// <summary>Node in the words of the keys that it has.</summary>
    public int Used { get; } = used;

    /// <summary>What is asked of the key itself.</summary>
    public TextState Text { get; } = text;

    /// <summary>True when no text makes it a key that is named or taken.</summary>
    public bool IsOff => WordSetAutomaton.IsOff(Name) && WordSetAutomaton.IsOff(Used);

    /// <summary>True when no text does, and any may follow.</summary>
    public bool IsFree => Text.IsFree && IsOff;

    /// <summary>The state of a key like none that is named or taken.</summary>
    public KeyState Free => Object.Key(WordSetAutomaton.Off, WordSetAutomaton.Off, Text);

    /// <summary>The state behind one more byte; null when there is none.</summary>
    public KeyState? Next(byte next)
    {
        var text = Text.Next(next);
        if (text is null)
            return null;
        if (text == Text && IsOff)
            return this;
        return Object.Key(Object.Names.Words.Step(Name, next), Object.Used.Words.Step(Used, next), text);
    }
}
