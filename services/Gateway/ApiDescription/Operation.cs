namespace Parley.Gateway.ApiDescription;

/// <summary>A route with one of its methods.</summary>
/// <param name="Method">In capitals.</param>
/// <param name="Path">With the names of its parts in braces.</param>
/// <param name="Id">A name that is unique.</param>
/// <param name="Tag">The group that it is shown in.</param>
/// <param name="Summary">What it is for.</param>
internal sealed record Operation(string Method, string Path, string Id, string Tag, string Summary)
{
    /// <summary>More about it.</summary>
    public string Text { get; init; } = "";

    /// <summary>The component that its body is; null where it has none.</summary>
    public string? Request { get; init; }

    /// <summary>A body to try it with, as JSON.</summary>
    public string? Example { get; init; }

    /// <summary>Forms of the answer with 200; none where the route is there to be refused.</summary>
    public IReadOnlyList<Answer> Answers { get; init; } = [];

    public IReadOnlyList<Parameter> Parameters { get; init; } = [];

    public Protocol Protocol { get; init; }

    /// <summary>Statuses of its errors.</summary>
    public IReadOnlyList<int> Faults { get; init; } = [];

    /// <summary>Whether anybody may ask, with no key.</summary>
    public bool IsOpen { get; init; }

    /// <summary>Headers of its answers beside those that all have.</summary>
    public IReadOnlyList<string> Headers { get; init; } = [];
}
