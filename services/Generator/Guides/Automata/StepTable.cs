using System.Numerics;

namespace Parley.Generator.Guides.Automata;

/// <summary>
/// The steps of an automaton whose states are numbered as they are met: a row for each state, many rows in one array, so that the garbage
/// collector has few objects to carry.
/// </summary>
/// <param name="classes">Entries of a row.</param>
internal sealed class StepTable(int classes)
{
    /// <summary>Where it is not known where a step leads.</summary>
    public const int Unknown = -1;

    /// <summary>Rows of the first page: most automata have a few states.</summary>
    private const int FirstRows = 4;

    /// <summary>Pages double up to so many rows.</summary>
    private const int PageRows = 64;

    private readonly List<int[]> _pages = [];
    private int _count;

    /// <summary>
    /// Where the step of a state leads by a class of bytes; <see cref="Unknown"/> where that is not known. Stays where it is.
    /// </summary>
    public ref int At(int state, int byteClass) =>
        ref _pages[Page(state, out var row)][(row * classes) + byteClass];

    /// <summary>Adds a row, of which nothing is known.</summary>
    public void Add()
    {
        var page = Page(_count++, out _);
        if (page < _pages.Count)
            return;
        var entries = new int[(page == 0 ? FirstRows : Math.Min(_count - 1, PageRows)) * classes];
        Array.Fill(entries, Unknown);
        _pages.Add(entries);
    }

    private static int Page(int state, out int row)
    {
        if (state >= PageRows)
        {
            row = state % PageRows;
            return BitOperations.Log2(PageRows) - 2 + (state / PageRows);
        }

        if (state < FirstRows)
        {
            row = state;
            return 0;
        }

        var doublings = BitOperations.Log2((uint)state);
        row = state - (1 << doublings);
        return doublings - 1;
    }
}
