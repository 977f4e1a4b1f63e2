using Parley.Gateway.Chat;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.OpenAi;

/// <summary>Around every handler: the request's id, and each way of failing as an answer in OpenAI's shape.</summary>
internal sealed class OpenAiGuard(ILogger<OpenAiGuard> logger, TimeProvider time)
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
                await error.WriteAsync(context);
        }
        catch (Exception exception) when (
            context.RequestAborted.IsCancellationRequested && exception is OperationCanceledException or IOException)
        {
            // The caller left; the pipeline has said so.
        }
    }

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
                StatusCodes.Status500InternalServerError, "server_error", "internal", null, "The Gateway failed; its log has the cause.");
        }
    }
}
