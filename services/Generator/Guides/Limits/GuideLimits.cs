namespace Parley.Generator.Guides.Limits;

/// <summary>
/// What bounds the guide that this thread works on: its <see cref="GuideBudget"/>, and whether somebody still waits for it. All work on a
/// guide is one thread's at a time and deep within automata, so both stand beside the thread instead of in every signature.
/// </summary>
internal static class GuideLimits
{
    [ThreadStatic]
    private static GuideBudget? _budget;

    [ThreadStatic]
    private static CancellationToken _stopped;

    public static int SchemaBytesMax => Budget.SchemaBytesMax;

    public static int SchemaDepthMax => Budget.SchemaDepthMax;

    public static int SchemasMax => Budget.SchemasMax;

    public static int AutomatonStatesMax => Budget.AutomatonStatesMax;

    public static int PatternStatesMax => Budget.PatternStatesMax;

    public static int FormulaMembersMax => Budget.FormulaMembersMax;

    public static int OwedVerdictsMax => Budget.OwedVerdictsMax;

    public static int StatesMax => Budget.StatesMax;

    public static int GrammarRulesMax => Budget.GrammarRulesMax;

    public static int GrammarNodesMax => Budget.GrammarNodesMax;

    public static int GrammarItemsMax => Budget.GrammarItemsMax;

    public static int SearchStepsMax => Budget.SearchStepsMax;

    /// <summary>The budget of the guide in hand; the default outside of any.</summary>
    internal static GuideBudget Budget => _budget ?? GuideBudget.Default;

    /// <summary>Begins work on a guide; the result ends it.</summary>
    /// <param name="budget">Its budget.</param>
    /// <param name="cancellationToken">Cancelled when nobody waits for the work any more, or it has taken too long.</param>
    public static GuideScope Enter(GuideBudget budget, CancellationToken cancellationToken = default)
    {
        var before = new GuideScope(_budget, _stopped);
        (_budget, _stopped) = (budget, cancellationToken);
        return before;
    }

    /// <summary>The other end of <see cref="Enter"/>.</summary>
    internal static void Leave(GuideBudget? budget, CancellationToken stopped) => (_budget, _stopped) = (budget, stopped);

    /// <summary>Wherever work adds up: ends it where nobody waits for it.</summary>
    /// <exception cref="OperationCanceledException">The token of <see cref="Enter"/> is cancelled.</exception>
    public static void ThrowIfStopped() => _stopped.ThrowIfCancellationRequested();
}
