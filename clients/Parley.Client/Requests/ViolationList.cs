namespace Parley.Client.Requests;

/// <summary>Everything that is wrong with a request, gathered before any of it is told.</summary>
internal sealed class ViolationList
{
    private readonly List<ParleyViolation> _violations = [];

    public void Add(string field, string description) => _violations.Add(new ParleyViolation(field, description));

    /// <exception cref="ParleyRequestException">There is any.</exception>
    public void ThrowIfAny()
    {
        if (_violations.Count > 0)
            throw new ParleyRequestException(_violations);
    }
}
