namespace Parley.Gateway.Balancing;

/// <summary>A request's place at a replica. One thread at a time.</summary>
internal sealed class ReplicaLease(Replica replica, int promptTokens) : IDisposable
{
    private bool _answers;
    private bool _isTold;
    private bool _ended;

    /// <summary>Its prompt is computed: it waits no longer.</summary>
    public void Answers()
    {
        if (_answers)
            return;
        _answers = true;
        replica.Answers(promptTokens);
    }

    /// <summary>The replica does what it should.</summary>
    public void Succeed()
    {
        if (_isTold)
            return;
        _isTold = true;
        replica.Breaker.Succeed();
    }

    /// <summary>The replica failed the request.</summary>
    /// <returns>Whether nothing more is sent to it for a while.</returns>
    public bool Fail()
    {
        _isTold = true;
        return replica.Breaker.Fail();
    }

    public void Dispose()
    {
        if (_ended)
            return;
        _ended = true;
        Answers();
        if (!_isTold)
            replica.Breaker.Abandon();
        replica.End();
    }
}
