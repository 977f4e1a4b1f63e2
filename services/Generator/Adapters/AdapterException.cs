namespace Parley.Generator.Adapters;

/// <summary>Something about an adapter is refused.</summary>
/// <param name="kind">Why.</param>
/// <param name="where">What it is about: <c>name</c> or <c>path</c>.</param>
/// <param name="message">What is wrong, naming file, field or fix.</param>
/// <param name="inner">What told so.</param>
internal sealed class AdapterException(AdapterRefusalKind kind, string where, string message, Exception? inner = null)
    : Exception(message, inner)
{
    public AdapterRefusalKind Kind => kind;

    public string Field { get; } = where;
}
