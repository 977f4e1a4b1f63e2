using System.Globalization;
using System.Text;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;

namespace Parley.ServiceDefaults;

/// <summary>A refusal as a gRPC status with <c>google.rpc</c> details, short enough for the trailers that carry it.</summary>
/// <remarks>
/// The message travels twice, as grpc-message with up to three bytes for one and inside of grpc-status-details-bin, which is base64.
/// Clients take no more than 8 to 64 KiB of headers and drop the connection, with everybody's calls on it, above that: so both together
/// stay below 4 KiB, however long a request and what is wrong with it.
/// </remarks>
public static class RpcFaults
{
    /// <summary>How many violations are listed; where there are more, the last one counts those left out.</summary>
    public const int ViolationsMax = 16;

    private const int MessageEncodedBytesMax = 896;
    private const int ViolationsBytesMax = 1_200;
    private const int FieldBytesMax = 96;
    private const int DescriptionBytesMax = 600;
    private const int RestBytes = 160;
    private static readonly Rune Ellipsis = new('…');

    /// <summary>Makes the exception that ends a call.</summary>
    /// <param name="code">The status.</param>
    /// <param name="message">What went wrong; null makes it of the listed violations.</param>
    /// <param name="violations">The fields at fault, as <c>google.rpc.BadRequest</c>; none leaves that out.</param>
    /// <param name="retryAfter">When another try makes sense, as <c>google.rpc.RetryInfo</c>.</param>
    /// <param name="quotaSubject">Whose limit is reached, as <c>google.rpc.QuotaFailure</c> with the message as its description.</param>
    public static RpcException Create(
        StatusCode code, string? message, IEnumerable<(string Field, string Description)> violations, TimeSpan? retryAfter = null,
        string? quotaSubject = null)
    {
        ArgumentNullException.ThrowIfNull(violations);
        var details = Bounded([.. violations]);
        message ??= string.Join(" ", details.FieldViolations.Select(violation => $"{violation.Field}: {violation.Description}"));
        var status = new Google.Rpc.Status { Code = (int)code, Message = Cut(message, MessageEncodedBytesMax, EncodedLength) };
        if (details.FieldViolations.Count > 0)
            status.Details.Add(Any.Pack(details));
        if (retryAfter is { } delay)
            status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = Duration.FromTimeSpan(delay) }));
        if (quotaSubject is not null)
        {
            var quota = new QuotaFailure.Types.Violation
            {
                Subject = Cut(quotaSubject, FieldBytesMax, Utf8Length),
                Description = Cut(status.Message, DescriptionBytesMax, Utf8Length),
            };
            status.Details.Add(Any.Pack(new QuotaFailure { Violations = { quota } }));
        }

        return status.ToRpcException();
    }

    private static BadRequest Bounded((string Field, string Description)[] violations)
    {
        var details = new BadRequest();
        var size = 0;
        for (var i = 0; i < violations.Length; i++)
        {
            var isLast = i == violations.Length - 1;
            var violation = new BadRequest.Types.FieldViolation
            {
                Field = Cut(violations[i].Field, FieldBytesMax, Utf8Length),
                Description = Cut(violations[i].Description, DescriptionBytesMax, Utf8Length),
            };
            size += violation.CalculateSize();
            if (isLast ? size > ViolationsBytesMax : i == ViolationsMax - 1 || size > ViolationsBytesMax - RestBytes)
            {
                var rest = violations.Length - i;
                violation.Description = string.Create(CultureInfo.InvariantCulture, $"Faults not listed, from this one on: {rest}.");
                details.FieldViolations.Add(violation);
                break;
            }

            details.FieldViolations.Add(violation);
        }

        return details;
    }

    /// <summary>Shortens at a character's border, and takes control characters out: they break lines of logs and terminals.</summary>
    private static string Cut(string text, int lengthMax, Func<Rune, int> lengthOf)
    {
        var result = new StringBuilder(Math.Min(text.Length, lengthMax));
        var ellipsisLength = lengthOf(Ellipsis);
        var (length, fits) = (0, 0);
        foreach (var rune in text.EnumerateRunes())
        {
            var shown = Rune.IsControl(rune) ? new Rune(' ') : rune;
            length += lengthOf(shown);
            if (length > lengthMax)
            {
                result.Length = fits;
                return result.Append(Ellipsis).ToString();
            }

            result.Append(shown);
            if (length <= lengthMax - ellipsisLength)
                fits = result.Length;
        }

        return result.ToString();
    }

    private static int Utf8Length(Rune rune) => rune.Utf8SequenceLength;

    private static int EncodedLength(Rune rune) => rune.Value is >= ' ' and <= '~' and not '%' ? 1 : 3 * rune.Utf8SequenceLength;
}
