namespace Parley.Generator.Guides.Json;

/// <summary>The ways in which a value can still end from one state, so far as they have been looked for.</summary>
internal sealed class Completions
{
    public List<Outcomes> Known { get; } = [];

    /// <summary>All are known.</summary>
    public bool IsDone { get; set; }

    /// <summary>The search for more is under way further down the call stack.</summary>
    public bool IsBusy { get; set; }

    /// <summary>How many searches were under way when this one began.</summary>
    public int Depth { get; set; }

    /// <summary>The present round of the search; null between two rounds.</summary>
    public IEnumerator<Outcomes>? Round { get; set; }

    /// <summary>The round has rested on a search that was under way, and may have missed what that one finds later.</summary>
    public bool IsPartial { get; set; }
}
