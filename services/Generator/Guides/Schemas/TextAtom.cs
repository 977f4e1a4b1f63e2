using Parley.Generator.Guides.Automata;
using Parley.Generator.Guides.Formulas;

namespace Parley.Generator.Guides.Schemas;

/// <summary>A condition on a string's inside or on a number as it is written.</summary>
/// <param name="automaton">What decides it.</param>
internal sealed class TextAtom(TextAutomaton automaton) : Atom
{
    public TextAutomaton Automaton { get; } = automaton;
}
