using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Json;
using Parley.Generator.Guides.Machines;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Guides.Masks;

/// <summary>Finds out whether a state within a string takes each of some characters and is the same behind it.</summary>
internal static class CharacterLoops
{
    /// <summary>Whether that holds for all characters of a slice.</summary>
    public static bool Takes(LocalState state, TokenSlice slice) => state switch
    {
        TextState { IsNumber: false, Syntax: StringSyntax.Between } text => Takes(text, slice),
        KeyState { IsOff: true, Text.Syntax: StringSyntax.Between } key => Takes(key.Text, slice),
        _ => false,
    };

    private static bool Takes(TextState text, TokenSlice slice)
    {
        foreach (var next in slice.Ascii)
        {
            if (text.Next(next) != text)
                return false;
        }

        return !slice.IsForeign || TakesForeign(text);
    }

    private static bool TakesForeign(TextState text)
    {
        // Characters from 128 on, by the bytes that the shape tells apart; of the line and paragraph separator (E2 80 A8 and A9) it does
        // not matter.
        var pending = new Stack<(TextState State, bool AfterE2, bool AfterE280)>();
        var seen = new HashSet<(TextState, bool, bool)>();
        pending.Push((text, false, false));
        while (pending.TryPop(out var at))
        {
            foreach (var next in Bytes(at.State))
            {
                if (StringSyntax.Step(at.State.Syntax, next) == StringSyntax.Fault || (at.AfterE280 && next is 0xA8 or 0xA9))
                    continue;
                if (at.State.Next(next) is not { } after || (after.Syntax == StringSyntax.Between && after != text))
                    return false;
                var step = (after, at.State == text && next == 0xE2, at.AfterE2 && next == 0x80);
                if (after != text && seen.Add(step))
                    pending.Push(step);
            }
        }

        return true;
    }

    /// <summary>One byte from 128 on of each class, and those that separators are made of.</summary>
    private static IEnumerable<byte> Bytes(TextState text)
    {
        var seen = new HashSet<int>();
        for (var value = 0x80; value < 0x100; value++)
        {
            if (value is 0xE2 or 0x80 or (>= 0xA8 and <= 0xAA) || seen.Add(text.Shape.Classes[value]))
                yield return (byte)value;
        }
    }
}
