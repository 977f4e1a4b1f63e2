namespace Parley.Tokenizer.Templating;

/// <summary>Bounds that make every template end.</summary>
/// <param name="StepsMax">Statements and expressions evaluated for one chat.</param>
/// <param name="DepthMax">Nesting of a template's blocks, expressions and macro calls.</param>
/// <param name="CharactersMax">Length of every text that a template makes, in UTF-16 code units.</param>
internal sealed record TemplateLimits(int StepsMax, int DepthMax, int CharactersMax)
{
    private const int LevelsFactor = 16;

    public static TemplateLimits Default { get; } = new(2_000_000, 128, 1 << 22);

    /// <summary>How many statements and expressions may be evaluated within each other, calls included.</summary>
    public int LevelsMax => Levels(DepthMax);

    /// <inheritdoc cref="LevelsMax"/>
    public static int Levels(int depthMax) => LevelsFactor * depthMax;
}
