using Grpc.Core;
using Microsoft.Extensions.Options;
using Parley.ModelHub;
using Parley.ServiceDefaults;

namespace Parley.Cli;

/// <summary>
/// Which exceptions are faults of the input or of the surroundings, and what to say of them; the rest are ours and keep their stack.
/// </summary>
internal static class ErrorReport
{
    /// <summary>The message for the user; null for a defect of Parley itself.</summary>
    public static string? For(Exception exception) => exception switch
    {
        UserErrorException or HubException or InvalidDataException or IOException or UnauthorizedAccessException => exception.Message,
        OptionsValidationException invalid => string.Join(" ", invalid.Failures),
        RpcException failed => $"{failed.StatusCode}: {failed.Status.Detail}",
        _ when ServiceHost.IsUnreadableSetting(exception) => exception.Message,
        AggregateException { InnerExceptions.Count: 1 } wrapped => For(wrapped.InnerException!),
        _ => null,
    };
}
