using Microsoft.Extensions.Options;
using Parley.Gateway.Chat;
using Parley.Gateway.Limits;
using Parley.Gateway.OpenAi;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.Completions;

/// <summary><c>POST /v1/completions</c>: prompts as they stand, each through the pipeline, as one object or an event stream.</summary>
internal sealed class CompletionsEndpoint(
    ChatPipeline pipeline, ChatRequestValidator validator, UpstreamPairing pairing, TokenizerClient tokenizer, WriteLimit writeLimit,
    IOptions<GatewayOptions> options, TimeProvider time)
{
    public static void Map(WebApplication app) => OpenAiRoutes.Map(app, "/v1/completions", (HttpMethods.Post,
        OpenAiRoutes.Endpoint<CompletionsEndpoint>((completions, context) => completions.HandleAsync(context))));

    public async Task HandleAsync(HttpContext context)
    {
        try
        {
            var request = await ReadAsync(context);
            if (request.Stream)
                await StreamAsync(context, request);
            else
                await AnswerAsync(context, request);
        }
        catch (ChatException exception)
        {
            throw Named(exception);
        }
    }

    private static string NameOf(string field) => CompletionNames.Of(FieldNames.ToOpenAi(field));

    private static ChatException Named(ChatException exception) =>
        new(FieldNames.Rename(exception.Error, CompletionNames.Of), exception.InnerException);

    private async Task<CompletionRequest> ReadAsync(HttpContext context)
    {
        using var body = await RequestBody.ReadAsync(context, options.Value.BodyBytesMax);
        var reader = new CompletionRequestReader(options.Value);
        var deadline = time.GetUtcNow() + TimeSpan.FromSeconds(options.Value.RequestDurationSecondsMax);
        var request = reader.Read(body.RootElement, context.TraceIdentifier, deadline);
        IgnoredFields.Tell(context, reader.Ignored);
        if (reader.Violations.Count == 0)
            return request;
        foreach (var violation in validator.FindFurther(reader.Violations, request.Prompts[0], pairing.LastSeen, NameOf))
            reader.Violations.Add(violation with { Field = NameOf(violation.Field) });
        throw new OpenAiException(OpenAiError.From(ChatError.Invalid(reader.Violations)));
    }

    private async Task AnswerAsync(HttpContext context, CompletionRequest request)
    {
        var cancellationToken = context.RequestAborted;
        await using var run = new CompletionRun(pipeline, request.Prompts, cancellationToken);
        var answers = new CompletionAnswers(request);
        await foreach (var (prompt, update) in run.Updates.ReadAllAsync(cancellationToken))
        {
            if (update is ChatUpdate.Accepted accepted)
            {
                UnassertedFormats.Tell(context, accepted.UnassertedFormats);
                await EchoAsync(answers, prompt, request, accepted, cancellationToken);
            }

            answers.Add(prompt, update);
        }

        await JsonAnswer.WriteAsync(context, Writer(context, request, answers).WriteWhole);
    }

    private async Task StreamAsync(HttpContext context, CompletionRequest request)
    {
        await using var events = new SseWriter(context, writeLimit, TimeSpan.FromSeconds(options.Value.KeepAliveSeconds), time);
        try
        {
            await using var run = new CompletionRun(pipeline, request.Prompts, context.RequestAborted);
            await CopyAsync(context, run, events, request);
        }
        catch (ChatException exception)
        {
            await events.StopKeepAliveAsync();
            if (!events.HasStarted)
                throw;
            await events.WriteFailureAsync(OpenAiError.From(Named(exception).Error));
            return;
        }

        await events.WriteDoneAsync();
    }

    /// <summary>Nothing is told before every prompt is accepted: until then a fault is a status.</summary>
    private async Task CopyAsync(HttpContext context, CompletionRun run, SseWriter events, CompletionRequest request)
    {
        var answers = new CompletionAnswers(request);
        var writer = Writer(context, request, answers);
        var held = new List<(int Prompt, ChatUpdate Update)>();
        var open = request.Prompts.Count;
        while (await run.Updates.WaitToReadAsync(context.RequestAborted))
        {
            while (run.Updates.TryRead(out var next))
            {
                if (next.Update is ChatUpdate.Accepted accepted)
                {
                    open--;
                    if (open == 0)
                        UnassertedFormats.Tell(context, accepted.UnassertedFormats);
                    await EchoAsync(answers, next.Prompt, request, accepted, context.RequestAborted);
                }

                held.Add(next);
                if (open > 0)
                    continue;
                foreach (var (prompt, update) in held)
                    await TellAsync(events, writer, answers, prompt, update);
                held.Clear();
            }

            await events.FlushAsync();
        }

        if (request.IncludeUsage)
            await events.WriteAsync(writer, static (json, state) => state.WriteUsage(json));
    }

    private static async ValueTask TellAsync(
        SseWriter events, CompletionWriter writer, CompletionAnswers answers, int prompt, ChatUpdate update)
    {
        foreach (var part in answers.Take(prompt, update))
            await events.WriteAsync((writer, part), static (json, state) => state.writer.WritePart(json, state.part));
    }

    /// <summary>What an echo needs: the prompt's text, and its tokens' where log-probabilities are told.</summary>
    private async ValueTask EchoAsync(
        CompletionAnswers answers, int prompt, CompletionRequest request, ChatUpdate.Accepted accepted, CancellationToken cancellationToken)
    {
        if (!request.Echo)
            return;
        var text = request.Prompts[prompt].Prompt!.Text;
        IReadOnlyList<TokenPiece> pieces = text is null || request.Logprobs is not null
            ? await tokenizer.PiecesAsync(accepted.PromptIds, continues: false, cancellationToken) : [];
        answers.Echo(prompt, text ?? string.Concat(pieces.Select(piece => piece.Text)), accepted.PromptIds, pieces);
    }

    private CompletionWriter Writer(HttpContext context, CompletionRequest request, CompletionAnswers answers) => new(
        $"cmpl-{context.TraceIdentifier}", time.GetUtcNow().ToUnixTimeSeconds(), pairing, request, answers);
}
