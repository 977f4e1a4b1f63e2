namespace Parley.Gateway.Chat;

/// <summary>Where the time of a request went; of several choices the slowest counts.</summary>
internal readonly record struct ChatTimings(
    TimeSpan Template, TimeSpan Encode, TimeSpan Queue, TimeSpan Prefill, TimeSpan Decode, TimeSpan Total);
