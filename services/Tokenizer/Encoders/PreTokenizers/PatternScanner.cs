namespace Parley.Tokenizer.Encoders.PreTokenizers;

/// <summary>
/// The split patterns of GPT-2, Llama 3 (cl100k) and Qwen 2 by hand: each alternative of the expression in its order, one look at
/// every character. Chosen only where tokenizer.json holds exactly that expression; several times as fast as .NET's Regex.
/// </summary>
internal sealed class PatternScanner : PreTokenizerStep
{
    public const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string Rest = @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private readonly bool _isGpt2;
    private readonly int _digitsMax;

    private PatternScanner(bool isGpt2, int digitsMax)
    {
        _isGpt2 = isGpt2;
        _digitsMax = digitsMax;
    }

    public static PatternScanner Gpt2 { get; } = new(isGpt2: true, int.MaxValue);

    /// <summary>The scanner for an expression, or null when there is none.</summary>
    public static PatternScanner? ForPattern(string pattern) => pattern switch
    {
        Gpt2Pattern => Gpt2,
        Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + Rest => new PatternScanner(isGpt2: false, 3),
        Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + Rest => new PatternScanner(isGpt2: false, 1),
        _ => null,
    };

    public override void Apply(in TextPiece piece, List<TextPiece> pieces)
    {
        var text = piece.Span;
        for (var position = 0; position < text.Length;)
        {
            var end = _isGpt2 ? NextGpt2(text, position) : NextLlama3(text, position);
            pieces.Add(piece.Part(position, end - position));
            position = end;
        }
    }

    private static int NextGpt2(ReadOnlySpan<char> text, int start)
    {
        if (text[start] == '\'' && Contraction(text, start, ignoreCase: false) is > 0 and var contraction)
            return contraction;
        var first = CharacterClass.At(text, start, out var length);
        var body = start;
        if (text[start] == ' ' && start + 1 < text.Length)
        {
            first = CharacterClass.At(text, start + 1, out length);
            body++;
        }

        return (first & CharacterClass.Space) == 0 ? Run(text, body + length, first, int.MaxValue) : SpaceEnd(text, start);
    }

    private int NextLlama3(ReadOnlySpan<char> text, int start)
    {
        if (text[start] == '\'' && Contraction(text, start, ignoreCase: true) is > 0 and var contraction)
            return contraction;
        var first = CharacterClass.At(text, start, out var length);
        if (first == CharacterClass.Letter)
            return Run(text, start + length, CharacterClass.Letter, int.MaxValue);
        if (first == CharacterClass.Number)
            return Run(text, start + length, CharacterClass.Number, _digitsMax - 1);
        var next = start + length < text.Length ? CharacterClass.At(text, start + length, out var nextLength) : CharacterClass.Space;
        if (first != CharacterClass.LineBreak && next == CharacterClass.Letter)
            return Run(text, start + length, CharacterClass.Letter, int.MaxValue);
        if (first == CharacterClass.Other || (text[start] == ' ' && next == CharacterClass.Other))
        {
            var end = Run(text, start + length, CharacterClass.Other, int.MaxValue);
            while (end < text.Length && text[end] is '\r' or '\n')
                end++;
            return end;
        }

        // White space: through its last line break if it has one, else without its last character unless the text ends.
        var spaceEnd = start;
        var afterBreak = -1;
        while (spaceEnd < text.Length && CharacterClass.At(text, spaceEnd, out _) is var kind && (kind & CharacterClass.Space) != 0)
        {
            spaceEnd++;
            if (kind == CharacterClass.LineBreak)
                afterBreak = spaceEnd;
        }

        if (afterBreak > 0)
            return afterBreak;
        return spaceEnd == text.Length || spaceEnd == start + 1 ? spaceEnd : spaceEnd - 1;
    }

    private static int SpaceEnd(ReadOnlySpan<char> text, int start)
    {
        var end = start;
        while (end < text.Length && (CharacterClass.At(text, end, out _) & CharacterClass.Space) != 0)
            end++;
        return end == text.Length || end == start + 1 ? end : end - 1;
    }

    private static int Run(ReadOnlySpan<char> text, int position, byte kind, int charactersMax)
    {
        for (var count = 0; position < text.Length && count < charactersMax; count++)
        {
            if (CharacterClass.At(text, position, out var length) != kind)
                break;
            position += length;
        }

        return position;
    }

    private static int Contraction(ReadOnlySpan<char> text, int start, bool ignoreCase)
    {
        var first = start + 1 < text.Length ? Fold(text[start + 1], ignoreCase) : '\0';
        if (first is 's' or 't' or 'm' or 'd')
            return start + 2;
        var second = start + 2 < text.Length ? Fold(text[start + 2], ignoreCase) : '\0';
        return (first, second) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? start + 3 : 0;
    }

    // U+017F, the long s, is the one character beyond ASCII that folds to a letter of the contractions.
    private static char Fold(char value, bool ignoreCase) =>
        !ignoreCase ? value : value == '\u017F' ? 's' : char.IsAsciiLetterUpper(value) ? (char)(value | 0x20) : value;
}
