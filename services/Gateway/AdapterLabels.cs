namespace Parley.Gateway;

/// <summary>
/// What labels of metrics say of adapters: they come and go while the service runs, so only so many of their names become labels.
/// </summary>
/// <param name="namesMax">Names that are told apart.</param>
internal sealed class AdapterLabels(int namesMax)
{
    /// <summary>An adapter beyond those.</summary>
    public const string Other = "other";

    private readonly Lock _lock = new();
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    /// <summary>The label of an adapter.</summary>
    public string LabelOf(string name)
    {
        lock (_lock)
            return _names.Contains(name) || (_names.Count < namesMax && _names.Add(name)) ? name : Other;
    }
}
