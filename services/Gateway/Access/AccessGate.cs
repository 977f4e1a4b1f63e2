using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using Parley.Gateway.Limits;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.Access;

/// <summary>
/// Lets a request through only with a key or a token, where there are any, and as often as its caller may come. Closed to whom no endpoint
/// says otherwise (<see cref="IAllowAnonymous"/>: health, the page's files, the answers to a wrong address); it goes by the endpoint that
/// routing chose, so no spelling of a path leads around it.
/// </summary>
internal sealed class AccessGate(
    ApiKeys keys, OidcTokens tokens, Callers callers, IOptions<GatewayOptions> options, TimeProvider time, ILogger<AccessGate> logger)
{
    private const string KeyHeader = "x-api-key";
    private const string Scheme = "Bearer ";
    private const string Missing = "This server needs a key: send the header 'Authorization: Bearer KEY' or 'x-api-key: KEY'.";
    private const string Wrong = "The key that was sent is none of this server's.";

    public async Task RunAsync(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint() is not { } endpoint || endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null)
        {
            await next(context);
            return;
        }

        var (caller, refusal) = await IdentifyAsync(context);
        if (caller is not null)
        {
            // What costs the model nothing, lists and reflection, takes none of the requests of a minute.
            var service = endpoint.Metadata.GetMetadata<GrpcMethodMetadata>()?.Method.ServiceName;
            var counts = HttpMethods.IsPost(context.Request.Method) && service?.StartsWith("grpc.", StringComparison.Ordinal) != true;
            refusal = counts ? Limit(caller) : null;
            RateHeaders.Tell(context.Response, caller);
            if (refusal is null && caller.Limits.BodyBytesMax > 0)
                refusal = BoundBody(context, caller.Limits.BodyBytesMax);
        }

        callers.Count(caller?.Label ?? Callers.Nobody, refusal?.Outcome ?? "admitted");
        if (refusal is not null)
        {
            await RefuseAsync(context, refusal);
            return;
        }

        Callers.Enter(caller!);
        await next(context);
    }

    /// <summary>Who calls; or why that is not known.</summary>
    private async ValueTask<(Caller? Caller, AccessRefusal? Refusal)> IdentifyAsync(HttpContext context)
    {
        var ring = keys.Ring;
        if (!keys.AreNeeded)
            return (callers.Get(Callers.Anonymous, ring.Default), null);
        AccessRefusal? refusal = null;
        var sent = false;
        foreach (var credential in Credentials(context.Request.Headers))
        {
            sent = true;
            if (ring.Find(credential) is { } found)
                return (callers.Get(found.Key.Name, found.Limits), null);
            if (!tokens.Takes(credential))
                continue;
            (var name, var limits, refusal) = await tokens.ReadAsync(credential, ring, context.RequestAborted);
            if (refusal is null)
                return (callers.Get(name, limits), null);
        }

        return (null, refusal ?? AccessRefusal.Unauthenticated(sent ? Wrong : Missing));
    }

    /// <summary>What may be a key: OpenAI's clients send the one header, Anthropic's the other, some both.</summary>
    private static IEnumerable<string> Credentials(IHeaderDictionary headers)
    {
        if (headers.Authorization is [{ } authorization] && authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            yield return authorization[Scheme.Length..].Trim();
        else if (headers.Authorization.Count > 0)
            yield return "";
        if (headers[KeyHeader] is [{ } key])
            yield return key.Trim();
    }

    private static AccessRefusal? Limit(Caller caller) => caller.TakeRequest() is not { } limit
        ? null
        : AccessRefusal.Limited(
            $"This key may use {limit.PerMinute} {limit.What} a minute, and has none left; try again in "
            + $"{RateHeaders.Text(limit.Wait)}.", limit.Wait, $"key:{caller.Name}");

    /// <summary>A body of a stated length is refused unread, any other when it is longer than it may be.</summary>
    private static AccessRefusal? BoundBody(HttpContext context, int bytesMax)
    {
        var refusal = AccessRefusal.TooLarge(bytesMax);
        if (context.Request.ContentLength > bytesMax)
            return refusal;
        var isGrpc = RefusalWriter.IsGrpc(context);
        context.Request.Body = new BoundedBody(context.Request.Body, bytesMax, () => isGrpc
            ? RefusalWriter.ToRpcException(refusal)
            : new BadHttpRequestException(refusal.Message, refusal.HttpStatus));
        return null;
    }

    private Task RefuseAsync(HttpContext context, AccessRefusal refusal)
    {
        var requestId = RequestIds.Take(context.Request.Headers[RequestMetadata.RequestIdHeader], time);
        context.Response.Headers[RequestMetadata.RequestIdHeader] = requestId;
        Log.Refused(logger, requestId, refusal.Code, refusal.Message);
        return RefusalWriter.WriteAsync(context, refusal, TimeSpan.FromSeconds(options.Value.RetryAfterSeconds));
    }
}
