namespace Parley.Gateway.OpenAi;

/// <summary>What stands around the objects of a stream, in each of the protocols.</summary>
/// <param name="ContentType">Of the response.</param>
/// <param name="Before">Before each object, behind its event's name.</param>
/// <param name="After">Behind each object.</param>
/// <param name="KeepAlive">What says nothing while there is nothing to say.</param>
internal sealed record StreamFraming(
    string ContentType, ReadOnlyMemory<byte> Before, ReadOnlyMemory<byte> After, ReadOnlyMemory<byte> KeepAlive)
{
    private const string EventStream = "text/event-stream; charset=utf-8";

    public static StreamFraming OpenAi { get; } = Events(": keep-alive\n\n"u8);

    /// <summary>Server-sent events.</summary>
    public static StreamFraming Events(ReadOnlySpan<byte> keepAlive) =>
        new(EventStream, "data: "u8.ToArray(), "\n\n"u8.ToArray(), keepAlive.ToArray());

    /// <summary>An object a line.</summary>
    public static StreamFraming Lines(ReadOnlyMemory<byte> keepAlive) =>
        new("application/x-ndjson", default, "\n"u8.ToArray(), keepAlive);
}
