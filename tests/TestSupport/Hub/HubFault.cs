namespace Parley.TestSupport.Hub;

/// <summary>What the local Hub does wrong with one answer.</summary>
public sealed record HubFault
{
    /// <summary>Answers with this status and nothing else.</summary>
    public int? Status { get; init; }

    public Dictionary<string, string> Headers { get; init; } = [];

    /// <summary>Breaks the connection after so many bytes of the body.</summary>
    public long? CutAfter { get; init; }

    /// <summary>Sends nothing more after so many bytes, and keeps the connection open until the caller leaves.</summary>
    public long? StallAfter { get; init; }

    /// <summary>Sends the whole file, whatever range was asked for.</summary>
    public bool IgnoreRange { get; init; }

    /// <summary>Sends another range than it was asked for.</summary>
    public long ShiftRange { get; init; }

    /// <summary>Turns the bits of the answer's first byte.</summary>
    public bool Flip { get; init; }

    /// <summary>Sends so many bytes more, or fewer, than the file has, and says so.</summary>
    public int Grow { get; init; }
}
