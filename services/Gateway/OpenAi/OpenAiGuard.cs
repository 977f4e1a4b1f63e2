using Microsoft.Extensions.Options;
using Parley.Gateway.Chat;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.OpenAi;

/// <summary>Around every handler: the request's id, and each way of failing in OpenAI's shape or the endpoint's own.</summary>
internal sealed class OpenAiGuard(ILogger<OpenAiGuard> logger, IOptions<GatewayOptions> options, TimeProvider time)
{
    public RequestDelegate Wrap(RequestDelegate handle) => context => RunAsync(context, handle);

    private async Task RunAsync(HttpContext context, RequestDelegate handle)
    {
        context.TraceIdentifier = RequestIds.Take(context.Request.Headers[RequestMetadata.RequestIdHeader], time);
        context.Response.Headers[RequestMetadata.RequestIdHeader] = context.TraceIdentifier;
        try
        {
            var error = await TryAsync(context, handle);
            if (error is null)
                return;
            if (context.Response.HasStarted)
                context.Abort();
            else
                await ErrorShape.WriteAsync(context, WithRetryAfter(error));
        }
        catch (Exception exception) when (
            context.RequestAborted.IsCancellationRequested && exception is OperationCanceledException or IOException)
        {
            // The caller left; the pipeline has said so.
        }
    }

    /// <summary>Clients that are told no time try again at once, and give up after a few milliseconds.</summary>
    private OpenAiError WithRetryAfter(OpenAiError error) =>
        error.RetryAfter is null
            && error.Status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable
            ? error with { RetryAfter = TimeSpan.FromSeconds(options.Value.RetryAfterSeconds) }
            : error;

    private async Task<OpenAiError?> TryAsync(HttpContext context, RequestDelegate handle)
    {
        try
        {
            await handle(context);
            return null;
        }
        catch (OpenAiException exception)
        {
            return exception.Error;
        }
        catch (ChatException exception)
        {
            return OpenAiError.From(exception.Error);
        }
        catch (BadHttpRequestException exception)
        {
            return OpenAiError.Invalid(exception.Message) with { Status = exception.StatusCode };
        }
        catch (Exception exception) when (!context.RequestAborted.IsCancellationRequested)
        {
            Log.Failed(logger, context.TraceIdentifier, "internal", "an exception that no part of the way expected", exception);
            return new OpenAiError(
                StatusCodes.Status500InternalServerError, "server_error", ErrorCodes.Internal, null, ChatError.OurFault);
        }
    }
}
