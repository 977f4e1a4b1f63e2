using System.Diagnostics;
using System.Reflection;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Grpc.Core;
using Microsoft.Extensions.Options;
using Parley.Tokenizer.Detokenization;
using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Encoders.PreTokenizers;
using Parley.Tokenizer.Templating;
using Parley.Tokenizer.Templating.Values;
using Parley.Tokenizer.V1;

namespace Parley.Tokenizer;

/// <summary>The edge: maps messages, validates, calls the stages, maps back.</summary>
internal sealed class TokenizationService(
    TokenizerModel model, IOptions<TokenizerOptions> options, TokenizerTelemetry telemetry, TimeProvider clock,
    ILogger<TokenizationService> logger) : Tokenization.TokenizationBase
{
    private static readonly string Version =
        typeof(TokenizationService).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    private readonly TokenizerOptions _options = options.Value;

    public override Task<DescribeResponse> Describe(DescribeRequest request, ServerCallContext context)
    {
        var response = new DescribeResponse
        {
            Model = model.Name,
            Algorithm = model.Tokenizer.Algorithm,
            VocabularySize = (uint)model.Tokens.Count,
            HasChatTemplate = model.TemplateNames.Count > 0,
            TokenizerSha256 = model.Sha256,
            SpecialTokensInContent = _options.SpecialTokensInContent switch
            {
                SpecialTokenHandling.Parse => SpecialTokensInContent.Parse,
                SpecialTokenHandling.Reject => SpecialTokensInContent.Reject,
                _ => SpecialTokensInContent.Text,
            },
            TextCharactersMax = (uint)_options.TextCharactersMax,
            Version = Version,
            ReadsTools = model.ReadsTools,
            ResponseTemplateJson = model.ResponseTemplateJson,
            ChatTemplate = model.ChatTemplateSource,
        };
        if (model.SpecialTokens.BeginId is { } begin)
            response.BosTokenId = (uint)begin;
        response.EosTokenIds.AddRange(model.SpecialTokens.EndIds.Select(id => (uint)id));
        response.ChatTemplateNames.AddRange(model.TemplateNames);
        response.ChatTemplateNamesWithTools.AddRange(
            model.TemplateNames.Where(name => model.FindTemplate(name, hasTools: true).ReadsTools));
        response.SpecialTokens.AddRange(model.Tokens.AddedTokens.Select(token =>
            new SpecialToken { Id = (uint)token.Id, Content = token.Content, Special = token.Special }));
        return Task.FromResult(response);
    }

    public override Task<RenderChatResponse> RenderChat(RenderChatRequest request, ServerCallContext context)
    {
        var (rendered, _, _, _) = Render(request.Chat, context);
        var response = new RenderChatResponse { Text = rendered.Text };
        AddRanges(rendered.UserRanges, response.UserRanges);
        return Task.FromResult(response);
    }

    public override Task<EncodeChatResponse> EncodeChat(EncodeChatRequest request, ServerCallContext context)
    {
        var (rendered, controls, handling, templateTime) = Render(request.Chat, context);
        var ids = new List<int>(rendered.Text.Length / 3);
        var userRanges = handling == SpecialTokenHandling.Parse ? UserRanges.None : rendered.UserRanges;
        // The template wrote what opens the text itself, so nothing is added.
        var encodeTime = EncodeTimed(
            () => model.Tokenizer.EncodeChat(rendered.Text, userRanges, controls, ids), ids, "chat.messages", context);
        var response = new EncodeChatResponse
        {
            TokenizerSha256 = model.Sha256,
            TemplateNanoseconds = (ulong)templateTime.TotalNanoseconds,
            EncodeNanoseconds = (ulong)encodeTime.TotalNanoseconds,
        };
        AddIds(ids, response.Ids);
        if (request.IncludeText)
        {
            response.Text = rendered.Text;
            AddRanges(rendered.UserRanges, response.UserRanges);
        }

        if (request.IncludePieces)
            AddPieces(ids, WholeText(), response.Pieces);
        return Task.FromResult(response);
    }

    public override Task<EncodeResponse> Encode(EncodeRequest request, ServerCallContext context)
    {
        if (request.Text.Length > _options.TextCharactersMax)
        {
            throw Refuse(context, new RequestException("text",
                $"The text has {request.Text.Length} characters; at most {_options.TextCharactersMax} are allowed."));
        }

        var handling = Handling(request.SpecialTokens, SpecialTokenHandling.Parse, "special_tokens", context);
        if (handling == SpecialTokenHandling.Reject && model.Tokenizer.FindSpecialToken(request.Text) is { } token)
            throw Refuse(context, new RequestException("text",
                $"The text holds the special token {token}, which this request does not allow."));
        var ids = new List<int>(request.Text.Length / 3);
        var userRanges = handling == SpecialTokenHandling.Parse ? UserRanges.None : UserRanges.All(request.Text.Length);
        var addSpecialTokens = !request.HasAddSpecialTokens || request.AddSpecialTokens;
        EncodeTimed(() => model.Tokenizer.Encode(request.Text, userRanges, addSpecialTokens, ids), ids, "text", context);
        var response = new EncodeResponse { TokenizerSha256 = model.Sha256 };
        AddIds(ids, response.Ids);
        if (request.IncludePieces)
            AddPieces(ids, WholeText(), response.Pieces);
        return Task.FromResult(response);
    }

    public override Task<FindOverlapsResponse> FindOverlaps(FindOverlapsRequest request, ServerCallContext context)
    {
        if (request.Texts.Count > _options.OverlapTextsMax)
        {
            throw Refuse(context, new RequestException("texts",
                $"{request.Texts.Count} texts are given; at most {_options.OverlapTextsMax} are allowed."));
        }

        var faults = request.Texts.Select((text, index) => (text.Length, Field: $"texts[{index}]"))
            .Where(text => text.Length == 0 || text.Length > _options.OverlapCharactersMax)
            .Select(text => new RequestException(text.Field,
                $"The text has {text.Length} characters; 1 to {_options.OverlapCharactersMax} are allowed.")).ToList();
        if (faults.Count > 0)
            throw Refuse(context, faults);
        var response = new FindOverlapsResponse();
        for (var i = 0; i < request.Texts.Count; i++)
            AddOverlaps(request.Texts[i], $"texts[{i}]", response, context);
        return Task.FromResult(response);
    }

    private void AddOverlaps(string text, string field, FindOverlapsResponse response, ServerCallContext context)
    {
        try
        {
            foreach (var run in model.Overlaps.Find(text))
            {
                var one = new OverlapRun();
                AddIds(run, one.Ids);
                response.Runs.Add(one);
            }
        }
        catch (Exception exception) when (exception is UncoveredTextException or TextLimitException)
        {
            throw Refuse(context, new RequestException(field, exception.Message));
        }
    }

    public override Task<DecodeResponse> Decode(DecodeRequest request, ServerCallContext context)
    {
        if (request.Ids.Count > _options.DecodeTokensMax)
        {
            throw Refuse(context, new RequestException("ids",
                $"{request.Ids.Count} ids are given; at most {_options.DecodeTokensMax} are allowed."));
        }

        var ids = new int[request.Ids.Count];
        for (var i = 0; i < ids.Length; i++)
            ids[i] = (int)request.Ids[i];
        var text = BatchDecoder.Decode(model.Tokens, ids, request.SkipSpecialTokens, request.Continues);
        telemetry.Decoded(ids.Length);
        // As transformers: in BPE's text spaces before punctuation are the model's own.
        var cleansUp = request.CleanUpTokenizationSpaces && !model.Tokenizer.IsBytePair;
        var response = new DecodeResponse { Text = cleansUp ? BatchDecoder.CleanUp(text) : text };
        if (request.IncludePieces)
            AddPieces(ids, new PieceDecoder(model.Tokens, request.SkipSpecialTokens, request.Continues), response.Pieces);
        return Task.FromResult(response);
    }

    public override async Task Detokenize(
        IAsyncStreamReader<DetokenizeRequest> requestStream, IServerStreamWriter<DetokenizeResponse> responseStream,
            ServerCallContext context)
    {
        var session = new DetokenizeSession(model.Tokens, _options);
        using var spans = new DetokenizeSpans(telemetry.Source);
        while (await requestStream.MoveNext(context.CancellationToken))
        {
            var started = telemetry.TimesStreams ? clock.GetTimestamp() : 0;
            var answer = Answer(session, spans, requestStream.Current, context);
            if (started != 0)
                telemetry.Detokenized(clock.GetElapsedTime(started));
            if (answer is not null)
                await responseStream.WriteAsync(answer, context.CancellationToken);
        }
    }

    /// <summary>Null where nothing is to be answered.</summary>
    private DetokenizeResponse? Answer(
        DetokenizeSession session, DetokenizeSpans spans, DetokenizeRequest request, ServerCallContext context)
    {
        if (request.EventCase != DetokenizeRequest.EventOneofCase.Batch)
            return AnswerOne(session, spans, request, context);
        var answers = new DetokenizeResponse();
        foreach (var one in request.Batch.Requests)
        {
            if (AnswerOne(session, spans, one, context) is { } answer)
                answers.Batch.Add(answer);
        }

        return answers.Batch.Count > 0 ? answers : null;
    }

    private DetokenizeResponse? AnswerOne(
        DetokenizeSession session, DetokenizeSpans spans, DetokenizeRequest request, ServerCallContext context)
    {
        try
        {
            if (Read(session, spans, request) is not { } news)
                return null;
            if (news.IsFinal)
                spans.End(request.Sequence, news.Stop is not null, error: null);
            var response = new DetokenizeResponse
            {
                Sequence = request.Sequence,
                Text = news.Text,
                TokensRead = (uint)news.TokensRead,
                Final = news.IsFinal,
            };
            if (news.Stop is { } stop)
                response.Stop = stop;
            response.SpecialRanges.AddRange((news.Special ?? []).Select(range =>
                new TextRange { Start = (uint)range.Start, Length = (uint)range.Length }));
            return response;
        }
        catch (RequestException exception)
        {
            // Others may share the stream: whoever asked is told, and nobody else.
            session.Forget(request.Sequence);
            spans.End(request.Sequence, stopped: false, "invalid_argument");
            telemetry.Refused();
            Log.Refused(logger, context.Method, exception.Field);
            var fault = new DetokenizeFault { Field = exception.Field, Description = exception.Description };
            return new DetokenizeResponse { Sequence = request.Sequence, Final = true, Fault = fault };
        }
    }

    private DetokenizeUpdate? Read(DetokenizeSession session, DetokenizeSpans spans, DetokenizeRequest request)
    {
        switch (request.EventCase)
        {
            case DetokenizeRequest.EventOneofCase.Start:
                var start = request.Start;
                session.Start(request.Sequence, new SequenceSettings(
                    [.. start.Stop], !start.HasSkipSpecialTokens || start.SkipSpecialTokens, start.IncludeStop, start.PrefixIds,
                    (int)Math.Min(start.MinTokens, int.MaxValue), start.MarkSpecialTokens));
                spans.Start(request.Sequence, start.TraceParent);
                return null;
            case DetokenizeRequest.EventOneofCase.Tokens:
                telemetry.Decoded(request.Tokens.Ids.Count);
                spans.Read(request.Sequence, request.Tokens.Ids.Count);
                return session.Append(request.Sequence, [.. request.Tokens.Ids]);
            case DetokenizeRequest.EventOneofCase.End:
                return session.End(request.Sequence);
            default:
                throw new RequestException("event", "The message is neither start nor tokens nor end, or a batch in a batch.");
        }
    }

    /// <summary>Encodes to <paramref name="ids"/>; returns how long that took.</summary>
    private TimeSpan EncodeTimed(Action encode, List<int> ids, string field, ServerCallContext context)
    {
        using var span = telemetry.Source.StartActivity("encode");
        var started = clock.GetTimestamp();
        try
        {
            encode();
            var time = clock.GetElapsedTime(started);
            telemetry.Encoded(time, ids.Count);
            span?.SetTag("parley.tokens", ids.Count);
            return time;
        }
        catch (Exception exception) when (exception is UncoveredTextException or TextLimitException)
        {
            throw Refuse(context, new RequestException(field, exception.Message));
        }
    }

    private (RenderedChat Rendered, AddedTokenMatcher Controls, SpecialTokenHandling Handling, TimeSpan Time) Render(
        Chat? chat, ServerCallContext context)
    {
        if (chat is null)
            throw Refuse(context, new RequestException("chat", "The chat is missing."));
        using var span = telemetry.Source.StartActivity("template");
        var started = clock.GetTimestamp();
        var handling = Handling(chat.SpecialTokensInContent, _options.SpecialTokensInContent, "chat.special_tokens_in_content", context);
        var mapper = new ChatMapper(_options);
        var input = mapper.Map(chat);
        if (mapper.Faults.Count > 0)
            throw Refuse(context, mapper.Faults);
        if (handling == SpecialTokenHandling.Reject && SpecialTokenSearch.Find(model.Tokenizer, input) is { Count: > 0 } found)
            throw Refuse(context, found);
        try
        {
            var template = model.FindTemplate(chat.TemplateName, input.Tools is not NoneValue);
            var rendered = template.Render(input);
            var time = clock.GetElapsedTime(started);
            telemetry.Rendered(time);
            span?.SetTag("parley.characters", rendered.Text.Length);
            return (rendered, model.ControlsOf(template), handling, time);
        }
        catch (TemplateException exception)
        {
            span?.SetStatus(ActivityStatusCode.Error, exception.Kind);
            telemetry.Refused();
            Log.TemplateRefused(logger, context.Method, exception.Kind);
            // The template's own refusal is told in its words, any other fault with its kind.
            throw RequestFaults.ToRpcException(new RequestException("chat.messages",
                exception.Kind == "TemplateError" ? exception.Description : $"The chat template failed: {exception.Message}"));
        }
        catch (RequestException exception)
        {
            throw Refuse(context, exception);
        }
    }

    private SpecialTokenHandling Handling(SpecialTokensInContent value, SpecialTokenHandling unset,
        string field, ServerCallContext context) =>
        value switch
        {
            SpecialTokensInContent.Unspecified => unset,
            SpecialTokensInContent.Text => SpecialTokenHandling.Text,
            SpecialTokensInContent.Parse => SpecialTokenHandling.Parse,
            SpecialTokensInContent.Reject => SpecialTokenHandling.Reject,
            _ => throw Refuse(context, new RequestException(field, $"The value {(int)value} is not known.")),
        };

    private RpcException Refuse(ServerCallContext context, params IReadOnlyList<RequestException> faults)
    {
        telemetry.Refused();
        Log.Refused(logger, context.Method, faults[0].Field);
        return RequestFaults.ToRpcException(faults);
    }

    private static void AddIds(IReadOnlyCollection<int> ids, RepeatedField<uint> field)
    {
        field.Capacity = ids.Count;
        foreach (var id in ids)
            field.Add((uint)id);
    }

    private static void AddRanges(UserRanges ranges, RepeatedField<TextRange> field)
    {
        for (var i = 0; i < ranges.Count; i++)
            field.Add(new TextRange { Start = (uint)ranges[i].Start, Length = (uint)ranges[i].Length });
    }

    private PieceDecoder WholeText() => new(model.Tokens, skipSpecialTokens: false, continues: false);

    private void AddPieces(IReadOnlyList<int> ids, PieceDecoder pieces, RepeatedField<TokenPiece> field)
    {
        foreach (var id in ids)
        {
            var bytes = pieces.Next(id);
            field.Add(new TokenPiece
            {
                Id = (uint)id,
                Token = model.Tokens.Token(id) ?? "",
                Text = pieces.Text(bytes),
                Utf8 = ByteString.CopyFrom(bytes),
                Special = model.Tokens.IsSpecial(id),
                DroppedAtStart = (uint)PieceDecoder.DroppedAtStart(model.Tokens, id),
            });
        }
    }
}
