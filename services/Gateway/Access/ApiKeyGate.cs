using Grpc.AspNetCore.Server;
using Grpc.Core;
using Parley.Gateway.OpenAi;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.Access;

/// <summary>
/// Lets a request through to <c>/v1</c> and to gRPC only with a key, where there are keys. Health, the page's files and the answers to a
/// wrong address are for everyone. It goes by the endpoint that routing chose, so no spelling of a path leads around it.
/// </summary>
internal sealed class ApiKeyGate(ApiKeys keys, TimeProvider time, ILogger<ApiKeyGate> logger)
{
    private const string HealthService = "grpc.health.v1.Health";
    private const string Missing = "This server needs a key: send the header 'Authorization: Bearer KEY'.";
    private const string Wrong = "The key in the Authorization header is none of this server's.";

    public Task RunAsync(HttpContext context, RequestDelegate next)
    {
        var grpc = context.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>();
        var isGuarded = grpc is not null ? grpc.Method.ServiceName != HealthService : OpenAiRoutes.Owns(context.GetEndpoint());
        if (!isGuarded || !keys.AreNeeded || keys.Accept(context.Request.Headers.Authorization))
            return next(context);

        var message = context.Request.Headers.Authorization.Count == 0 ? Missing : Wrong;
        var requestId = RequestIds.Take(context.Request.Headers[RequestMetadata.RequestIdHeader], time);
        context.Response.Headers[RequestMetadata.RequestIdHeader] = requestId;
        Log.Refused(logger, requestId, "unauthenticated", message);
        return grpc is not null ? RefuseCallAsync(context, message) : RefuseAsync(context, message);
    }

    private static Task RefuseAsync(HttpContext context, string message)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer";
        return new OpenAiError(StatusCodes.Status401Unauthorized, "invalid_request_error", "invalid_api_key", null, message)
            .WriteAsync(context);
    }

    /// <summary>A status alone, in the headers: nothing of the call's message has been read.</summary>
    private static Task RefuseCallAsync(HttpContext context, string message)
    {
        context.Response.ContentType = "application/grpc";
        context.Response.Headers.GrpcStatus = ((int)StatusCode.Unauthenticated).ToString(System.Globalization.CultureInfo.InvariantCulture);
        context.Response.Headers.GrpcMessage = message;
        return Task.CompletedTask;
    }
}
