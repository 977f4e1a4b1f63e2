using System.Text.Json;
using Microsoft.Extensions.Options;
using Parley.Gateway.Chat;
using Parley.Gateway.Limits;
using Parley.Gateway.OpenAi;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.Tokens;

/// <summary>
/// <c>POST /tokenize</c> and <c>POST /detokenize</c>, in the form of vLLM and that of llama.cpp: what a text or a chat costs, and
/// what ids say.
/// </summary>
internal sealed class TokensEndpoint(
    UpstreamPairing pairing, TokenizerClient tokenizer, ChatRequestValidator validator, Callers callers, IOptions<GatewayOptions> options,
    TimeProvider time)
{
    public static void Map(WebApplication app)
    {
        foreach (var root in (string[])["", "/v1"])
        {
            OpenAiRoutes.Map(app, root + "/tokenize", (HttpMethods.Post,
                OpenAiRoutes.Endpoint<TokensEndpoint>((tokens, context) => tokens.EncodeAsync(context))));
            OpenAiRoutes.Map(app, root + "/detokenize", (HttpMethods.Post,
                OpenAiRoutes.Endpoint<TokensEndpoint>((tokens, context) => tokens.DecodeAsync(context))));
        }
    }

    public async Task EncodeAsync(HttpContext context)
    {
        using var body = await RequestBody.ReadAsync(context, options.Value.BodyBytesMax);
        var reader = new TokenizeRequestReader(options.Value.UnknownFields);
        var request = reader.Read(body.RootElement, context.TraceIdentifier,
            time.GetUtcNow() + TimeSpan.FromSeconds(options.Value.RequestDurationSecondsMax));
        IgnoredFields.Tell(context, reader.Ignored);
        Refuse(reader.Violations);
        Refuse(validator.Validate(request.Chat, null), request.Chat.Prompt is null ? "messages" : "prompt");
        var pair = await AcceptAsync(request.Chat.Model, context.RequestAborted);
        var prompt = request.Chat.Prompt is { } raw
            ? await tokenizer.EncodePromptAsync(request.Chat, raw, pair.Tokenizer.TokenizerSha256, context.RequestAborted)
            : await tokenizer.EncodeChatAsync(request.Chat, withText: false, context.RequestAborted);
        var pieces = request.Pieces == TokenPieces.None || prompt.Ids.Count == 0 ? null
            : await tokenizer.PiecesAsync(prompt.Ids, continues: false, context.RequestAborted);
        await JsonAnswer.WriteAsync(context, json =>
        {
            json.WriteStartObject();
            json.WriteNumber("count", prompt.Ids.Count);
            json.WriteNumber("max_model_len", pair.Generator.ContextTokensMax);
            WriteTokens(json, prompt.Ids, pieces, request.Pieces);
            json.WriteEndObject();
        });
    }

    public async Task DecodeAsync(HttpContext context)
    {
        using var body = await RequestBody.ReadAsync(context, options.Value.BodyBytesMax);
        var reader = new DetokenizeRequestReader(options.Value.UnknownFields);
        var (model, ids) = reader.Read(body.RootElement);
        IgnoredFields.Tell(context, reader.Ignored);
        Refuse(reader.Violations);
        await AcceptAsync(model, context.RequestAborted);
        var text = ids.Count == 0 ? "" : await tokenizer.DecodeAsync(ids, context.RequestAborted);
        await JsonAnswer.WriteAsync(context, json =>
        {
            json.WriteStartObject();
            // Under both servers' names.
            json.WriteString("prompt", text);
            json.WriteString("content", text);
            json.WriteEndObject();
        });
    }

    private static void Refuse(ViolationList violations, string prompt = "messages")
    {
        if (violations.Count > 0)
            throw new ChatException(FieldNames.Rename(ChatError.Invalid(violations), name => name == "messages" ? prompt : name));
    }

    private async ValueTask<UpstreamPair> AcceptAsync(string model, CancellationToken cancellationToken)
    {
        var pair = await pairing.GetAsync(cancellationToken);
        callers.Current.Require(model, pair.NamesFor(model));
        if (model.Length == 0 || pair.Names.Contains(model))
            return pair;
        throw new ChatException(ChatRequestValidator.ModelNotFound(model, pair.Model));
    }

    private static void WriteTokens(Utf8JsonWriter json, IReadOnlyList<uint> ids, IReadOnlyList<TokenPiece>? pieces, TokenPieces form)
    {
        json.WriteStartArray("tokens");
        for (var index = 0; index < ids.Count; index++)
        {
            if (form != TokenPieces.Texts)
            {
                json.WriteNumberValue(ids[index]);
                continue;
            }

            json.WriteStartObject();
            json.WriteNumber("id", ids[index]);
            json.WriteString("piece", pieces![index].Text);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (form != TokenPieces.Entries)
            return;
        json.WriteStartArray("token_strs");
        foreach (var piece in pieces ?? [])
            json.WriteStringValue(piece.Token);
        json.WriteEndArray();
    }
}
