using System.Globalization;
using Parley.Generator.Guides.Limits;

namespace Parley.Generator.Guides.Automata;

/// <summary>
/// Whether a number is one of a set. It is, where it is written as the schema writes it, or plainly; written otherwise (<c>1.50</c> for
/// 1.5) it
/// equals one of the set without belonging to the language where that is asked, so that its verdict is unknown.
/// </summary>
internal sealed class NumberSetAutomaton : InternedAutomaton<PairState>
{
    private readonly PatternAutomaton _written;
    private readonly PatternAutomaton _equal;

    private NumberSetAutomaton(byte[] classes, PatternAutomaton written, PatternAutomaton equal)
        : base(classes, new PairState(written.Start, equal.Start)) => (_written, _equal) = (written, equal);

    /// <summary>The automaton of these numbers, each as JSON writes it.</summary>
    public static NumberSetAutomaton Of(IReadOnlyList<string> numbers)
    {
        // Each takes a state at least in either automaton: what is too much is known before a tree of it is built.
        if (numbers.Count > GuideLimits.PatternStatesMax)
            throw new GuideException("", $"the guide is too complex: more than {GuideLimits.PatternStatesMax} numbers in one enum");
        var written = new List<RegexTree>();
        var equal = new List<RegexTree>();
        foreach (var text in numbers)
        {
            GuideLimits.ThrowIfStopped();
            var number = DecimalNumber.Parse(text);
            written.Add(RegexTree.Literal(text));
            written.Add(RegexTree.Literal(number.Plain()));
            equal.Add(Equal(number));
        }

        var first = PatternAutomaton.Of(RegexTree.Choice(written).Whole(), TextEncoding.Plain);
        var second = PatternAutomaton.Of(RegexTree.Choice(equal).Whole(), TextEncoding.Plain);
        return new NumberSetAutomaton(NumberClasses.All, first, second);
    }

    protected override PairState Step(PairState state, byte next) => new(_written.Step(state.First, next), _equal.Step(state.Second, next));

    protected override Verdict End(PairState state) => _written.End(state.First) == Verdict.True ? Verdict.True
        : _equal.End(state.Second) == Verdict.True ? Verdict.Unknown : Verdict.False;

    protected override Verdict? Settled(PairState state) =>
        _written.Settled(state.First) == Verdict.False && _equal.Settled(state.Second) == Verdict.False ? Verdict.False : null;

    /// <summary>All ways to write a number: zeros behind the fraction, and the scientific form.</summary>
    private static RegexTree Equal(DecimalNumber number)
    {
        var zero = RegexTree.Set(CodePoints.Single('0'));
        var zeros = RegexTree.Repeat(zero, 0, -1);
        var minus = number.Sign switch
        {
            < 0 => RegexTree.Literal("-"),
            0 => RegexTree.Repeat(RegexTree.Literal("-"), 0, 1),
            _ => RegexTree.Empty,
        };
        var plain = number.Fraction.Length > 0
            ? RegexTree.Sequence(RegexTree.Literal(number.Whole + "." + number.Fraction), zeros)
            : RegexTree.Sequence(RegexTree.Literal(number.Whole), Maybe(RegexTree.Sequence(RegexTree.Literal("."), zero, zeros)));
        if (number.Sign == 0)
            return RegexTree.Sequence(minus, plain);
        var exponent = number.Point - 1;
        var sign = exponent < 0 ? RegexTree.Literal("-") : RegexTree.Set(CodePoints.Of(('+', '+'), ('-', '-')));
        if (exponent >= 0)
            sign = exponent == 0 ? Maybe(sign) : Maybe(RegexTree.Literal("+"));
        var mantissa = number.Digits.Length > 1
            ? RegexTree.Sequence(RegexTree.Literal(number.Digits[..1] + "." + number.Digits[1..]), zeros)
            : RegexTree.Sequence(RegexTree.Literal(number.Digits), Maybe(RegexTree.Sequence(RegexTree.Literal("."), zero, zeros)));
        var scientific = RegexTree.Sequence(
            mantissa, RegexTree.Set(CodePoints.Of(('e', 'e'), ('E', 'E'))), sign, zeros,
            RegexTree.Literal(Math.Abs(exponent).ToString(CultureInfo.InvariantCulture)));
        return RegexTree.Sequence(minus, RegexTree.Choice(plain, scientific));
    }

    private static RegexTree Maybe(RegexTree tree) => RegexTree.Repeat(tree, 0, 1);
}
