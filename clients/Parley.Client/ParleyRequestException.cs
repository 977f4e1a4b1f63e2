using Grpc.Core;

namespace Parley.Client;

/// <summary>
/// The request is at fault, and sending it again will not help. What the client itself can see is found before any call is made, all of it
/// at once.
/// </summary>
public sealed class ParleyRequestException : ParleyException
{
    internal ParleyRequestException(string message, IReadOnlyList<ParleyViolation> violations, ParleyFault fault)
        : base(message, fault) => Violations = violations;

    internal ParleyRequestException(IReadOnlyList<ParleyViolation> violations)
        : this(
            string.Join("; ", violations.Select(violation => $"{violation.Field} {violation.Description}")), violations,
            new ParleyFault(StatusCode.InvalidArgument, ""))
    {
    }

    /// <summary>What is wrong, field by field; empty where the server only said it in words.</summary>
    public IReadOnlyList<ParleyViolation> Violations { get; }
}
