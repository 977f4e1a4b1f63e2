namespace Parley.Gateway.Chat;

/// <summary>Where the time of a request went; of several choices the slowest counts.</summary>
internal readonly record struct ChatTimings(
    TimeSpan Template, TimeSpan Encode, TimeSpan Queue, TimeSpan Prefill, TimeSpan Decode, TimeSpan Total)
{
    /// <summary>Times that a Generator was lost within an answer and another went on with it.</summary>
    public uint Resumes { get; init; }

    /// <summary>Of these, times that the two are not known to compute the same bits: the text may be another from there on.</summary>
    public uint InexactResumes { get; init; }
}
