using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Templates;

namespace Parley.Gateway.Responses.Reading;

/// <summary>
/// What reading an answer has found out for certain. Places are UTF-16 units of all that was read, the prompt's part included.
/// </summary>
internal abstract record ResponseEvent(ResponseField Field)
{
    /// <summary>A region begins.</summary>
    /// <param name="Field">Whose it is.</param>
    /// <param name="At">Where its opening delimiter begins.</param>
    /// <param name="TextAt">Where its text begins.</param>
    /// <param name="Captures">What the delimiter captured.</param>
    internal sealed record Opened(ResponseField Field, int At, int TextAt, IReadOnlyDictionary<string, string> Captures)
        : ResponseEvent(Field);

    /// <summary>More text of the region that is open.</summary>
    internal sealed record Chunk(ResponseField Field, int At, int Length) : ResponseEvent(Field);

    /// <summary>The region is over.</summary>
    /// <param name="Field">Whose it was.</param>
    /// <param name="TextEnd">Where its text ends.</param>
    /// <param name="End">Where its closing delimiter ends.</param>
    /// <param name="Value">What it means; null is JSON's, or there is a fault.</param>
    /// <param name="Fault">Why its text is not what the field says; null where it is.</param>
    internal sealed record Closed(ResponseField Field, int TextEnd, int End, JsonNode? Value, string? Fault) : ResponseEvent(Field);
}
