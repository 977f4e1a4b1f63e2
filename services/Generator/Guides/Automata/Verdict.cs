namespace Parley.Generator.Guides.Automata;

/// <summary>
/// Whether a value meets a condition. Unknown means: the text is written in a way that the language leaves out where somebody asks (a
/// <c>3.0</c>
/// where it matters whether it is an integer), so that neither the condition nor its opposite may rest on it.
/// </summary>
internal enum Verdict : byte
{
    False,
    True,
    Unknown,
}
