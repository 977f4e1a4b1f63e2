using System.Globalization;
using Microsoft.Extensions.Options;
using Parley.Gateway.Chat;
using Parley.Gateway.KeptResponses;
using Parley.Gateway.Limits;
using Parley.Gateway.OpenAi;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.ResponsesApi;

/// <summary>Takes the request of a response, with the conversation before it, out of an HTTP request.</summary>
internal sealed class ResponseRequests(
    ChatRequestValidator validator, UpstreamPairing pairing, ResponseStore store, Callers callers, IOptions<GatewayOptions> options,
    TimeProvider time)
{
    public const string DroppedHeader = "X-Parley-Dropped-Messages";

    /// <exception cref="OpenAiException">Every fault of it, by the names of the Responses API.</exception>
    public async Task<ResponseRequest> ReadAsync(HttpContext context)
    {
        using var body = await RequestBody.ReadAsync(context, options.Value.BodyBytesMax);
        var deadline = time.GetUtcNow() + TimeSpan.FromSeconds(options.Value.RequestDurationSecondsMax);
        var earlier = new EarlierItems(store, callers);
        var before = await earlier.BeforeAsync(body.RootElement, context.RequestAborted);
        var referenced = await earlier.ReferencedAsync(body.RootElement, context.RequestAborted);
        var reader = new ResponseRequestReader(
            options.Value.UnknownFields, context.TraceIdentifier, ItemIds.NewResponse(time), deadline);
        var request = reader.Read(body.RootElement, before, referenced);
        IgnoredFields.Tell(context, reader.Ignored);
        if (reader.Violations.Count == 0)
            return request;
        foreach (var violation in validator.FindFurther(reader.Violations, request.Chat, pairing.LastSeen, NameOf))
            reader.Violations.Add(violation with { Field = NameOf(violation.Field) });
        throw new OpenAiException(OpenAiError.From(ChatError.Invalid(reader.Violations)));
    }

    /// <summary>A fault of the pipeline by the names of the Responses API.</summary>
    public static ChatException Named(ChatException exception) =>
        new(FieldNames.Rename(exception.Error, ResponseNames.Of), exception.InnerException);

    /// <summary>How many messages went because the prompt did not fit.</summary>
    public static void TellDropped(HttpContext context, ChatUpdate.Accepted accepted)
    {
        if (accepted.MessagesDropped > 0 && !context.Response.HasStarted)
            context.Response.Headers[DroppedHeader] = accepted.MessagesDropped.ToString(CultureInfo.InvariantCulture);
    }

    private static string NameOf(string field) => ResponseNames.Of(FieldNames.ToOpenAi(field));
}
