using System.Globalization;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Parley.Gateway.OpenAi;
using Parley.ServiceDefaults;

namespace Parley.Gateway.Access;

/// <summary>A refusal at the door as the caller's protocol has it.</summary>
internal static class RefusalWriter
{
    /// <summary>Whether a request is gRPC or gRPC-Web.</summary>
    public static bool IsGrpc(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>() is not null
        || context.Request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true;

    public static RpcException ToRpcException(AccessRefusal refusal) =>
        RpcFaults.Create(refusal.GrpcStatus, refusal.Message, [], refusal.RetryAfter, refusal.QuotaSubject);

    public static Task WriteAsync(HttpContext context, AccessRefusal refusal, TimeSpan retryAfterDefault)
    {
        if (IsGrpc(context))
            return WriteStatusAsync(context, refusal);
        if (refusal.Challenge is not null)
            context.Response.Headers.WWWAuthenticate = refusal.Challenge;
        return ErrorShape.WriteAsync(context, new OpenAiError(refusal.HttpStatus, refusal.Type, refusal.Code, null, refusal.Message)
        {
            RetryAfter = refusal.HttpStatus is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable
                ? refusal.RetryAfter ?? retryAfterDefault
                : null,
        });
    }

    /// <summary>A status alone, in the headers: nothing of the call's message has been read.</summary>
    private static Task WriteStatusAsync(HttpContext context, AccessRefusal refusal)
    {
        var exception = ToRpcException(refusal);
        context.Response.ContentType = "application/grpc";
        context.Response.Headers.GrpcStatus = ((int)exception.StatusCode).ToString(CultureInfo.InvariantCulture);
        context.Response.Headers.GrpcMessage = refusal.Message;
        foreach (var entry in exception.Trailers.Where(entry => entry.IsBinary))
            context.Response.Headers[entry.Key] = Convert.ToBase64String(entry.ValueBytes).TrimEnd('=');
        return Task.CompletedTask;
    }
}
