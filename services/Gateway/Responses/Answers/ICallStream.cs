namespace Parley.Gateway.Responses.Answers;

/// <summary>Tells the calls of one region while it is written, as far as they are certain.</summary>
internal interface ICallStream
{
    /// <summary>Calls whose name has been told.</summary>
    int Started { get; }

    /// <summary>Reads on.</summary>
    /// <param name="region">All of the region's text so far.</param>
    /// <param name="isWhole">It is at its end.</param>
    /// <param name="sink">Receives beginnings and arguments.</param>
    void Read(ReadOnlySpan<char> region, bool isWhole, CallSink sink);
}
