using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.Extensions.Logging;

namespace Parley.ServiceDefaults;

/// <summary>
/// The last line of defence: a status chosen by a service passes, a caller who left is not an error, and anything else is logged
/// as ours and told to the caller without its details.
/// </summary>
internal sealed partial class ExceptionInterceptor(ILogger<ExceptionInterceptor> logger) : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            return await continuation(request, context);
        }
        catch (Exception exception)
        {
            throw Translate(exception, context);
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            await continuation(request, responseStream, context);
        }
        catch (Exception exception)
        {
            throw Translate(exception, context);
        }
    }

    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            await continuation(requestStream, responseStream, context);
        }
        catch (Exception exception)
        {
            throw Translate(exception, context);
        }
    }

    private RpcException Translate(Exception exception, ServerCallContext context)
    {
        if (exception is RpcException chosen)
            return chosen;

        // A request stream that was reset is an I/O error, at times before the call's token is cancelled; no handler has I/O of its own.
        if (context.CancellationToken.IsCancellationRequested || exception is IOException)
        {
            LogCallerGone(logger, context.Method);
            return new RpcException(new Status(StatusCode.Cancelled, "The call was cancelled."));
        }

        LogUnexpected(logger, context.Method, exception);
        return new RpcException(new Status(StatusCode.Internal, "The service failed; its log has the cause."));
    }

    [LoggerMessage(1, LogLevel.Information, "{Method}: the caller left before the answer was complete")]
    private static partial void LogCallerGone(ILogger logger, string method);

    [LoggerMessage(2, LogLevel.Error, "{Method} failed")]
    private static partial void LogUnexpected(ILogger logger, string method, Exception exception);
}
