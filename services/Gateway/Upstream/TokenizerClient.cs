using Grpc.Core;
using Parley.Gateway.Chat;
using Parley.Tokenizer.V1;

namespace Parley.Gateway.Upstream;

/// <summary>The Tokenizer, in the Gateway's own terms. Every fault is a <see cref="ChatException"/> that names the service.</summary>
internal sealed class TokenizerClient(UpstreamChannels channels, DetokenizeCalls detokenizeCalls)
{
    private readonly Tokenization.TokenizationClient _client = new(channels.TokenizerChannel);

    public async Task<TokenizerDescription> DescribeAsync(DateTime? deadline, CancellationToken cancellationToken)
    {
        try
        {
            var reply = await _client.DescribeAsync(new DescribeRequest(), deadline: deadline, cancellationToken: cancellationToken);
            return new TokenizerDescription(
                reply.Model, reply.TokenizerSha256, reply.HasChatTemplate,
                [.. reply.ChatTemplateNamesWithTools, .. reply.ReadsTools ? [""] : Array.Empty<string>()])
            {
                ResponseTemplateJson = reply.ResponseTemplateJson,
                ChatTemplate = reply.ChatTemplate,
            };
        }
        catch (RpcException exception)
        {
            throw UpstreamFault.Translate(exception, channels.Tokenizer, cancellationToken);
        }
    }

    /// <summary>Template and encoder in one call.</summary>
    /// <param name="request">The chat.</param>
    /// <param name="withText">The rendered text is wanted as well.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task<EncodedPrompt> EncodeChatAsync(ChatRequest request, bool withText, CancellationToken cancellationToken)
    {
        var message = new EncodeChatRequest
        {
            Chat = ProtoMapping.ToProto(request.Conversation),
            IncludeText = request.Inspect || withText,
            IncludePieces = request.Inspect,
        };
        try
        {
            var reply = await _client.EncodeChatAsync(
                message, RequestMetadata.For(request), RequestMetadata.Deadline(request), cancellationToken);
            var rendered = !request.Inspect ? null : new RenderedPrompt(
                reply.Text, [.. reply.UserRanges.Select(range => (range.Start, range.Length))], ProtoMapping.ToDomain(reply.Pieces));
            return new EncodedPrompt(
                reply.Ids, reply.TokenizerSha256, ProtoMapping.FromNanoseconds(reply.TemplateNanoseconds),
                ProtoMapping.FromNanoseconds(reply.EncodeNanoseconds), rendered, reply.Text);
        }
        catch (RpcException exception)
        {
            throw UpstreamFault.Translate(exception, channels.Tokenizer, cancellationToken);
        }
    }

    /// <summary>A prompt that no template writes.</summary>
    /// <param name="request">Whose it is.</param>
    /// <param name="prompt">A text, or ids.</param>
    /// <param name="tokenizerSha256">Of the tokenizer that ids are meant for.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task<EncodedPrompt> EncodePromptAsync(
        ChatRequest request, RawPrompt prompt, string tokenizerSha256, CancellationToken cancellationToken)
    {
        if (prompt.Text is null)
            return new EncodedPrompt(prompt.Ids ?? [], tokenizerSha256, TimeSpan.Zero, TimeSpan.Zero, null, "");
        var message = new EncodeRequest { Text = prompt.Text, AddSpecialTokens = prompt.AddSpecialTokens };
        try
        {
            var reply = await _client.EncodeAsync(
                message, RequestMetadata.For(request), RequestMetadata.Deadline(request), cancellationToken);
            return new EncodedPrompt(reply.Ids, reply.TokenizerSha256, TimeSpan.Zero, TimeSpan.Zero, null, "");
        }
        catch (RpcException exception)
        {
            throw UpstreamFault.Translate(exception, channels.Tokenizer, cancellationToken);
        }
    }

    /// <summary>The pieces of some ids, one for each, in their order.</summary>
    /// <param name="ids">Any ids.</param>
    /// <param name="continues">They stand within a text; else they are a whole one, of which a decoder may drop the first space.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task<IReadOnlyList<Chat.TokenPiece>> PiecesAsync(
        IEnumerable<uint> ids, bool continues, CancellationToken cancellationToken)
    {
        var message = new DecodeRequest { IncludePieces = true, Continues = continues };
        message.Ids.AddRange(ids);
        try
        {
            var reply = await _client.DecodeAsync(message, cancellationToken: cancellationToken);
            if (reply.Pieces.Count == message.Ids.Count)
                return ProtoMapping.ToDomain(reply.Pieces);
        }
        catch (RpcException exception)
        {
            throw UpstreamFault.Translate(exception, channels.Tokenizer, cancellationToken);
        }

        throw new ChatException(
            new ChatError(ChatErrorKind.Internal, $"The {channels.Tokenizer.Name} did not answer with one piece per id."));
    }

    /// <summary>The text of some ids, special tokens included.</summary>
    public async Task<string> DecodeAsync(IEnumerable<uint> ids, CancellationToken cancellationToken)
    {
        var message = new DecodeRequest();
        message.Ids.AddRange(ids);
        try
        {
            return (await _client.DecodeAsync(message, cancellationToken: cancellationToken)).Text;
        }
        catch (RpcException exception)
        {
            throw UpstreamFault.Translate(exception, channels.Tokenizer, cancellationToken);
        }
    }

    /// <summary>A text's ids, nothing added.</summary>
    /// <exception cref="ChatException">It has none, or a service is not there.</exception>
    public async Task<uint[]> EncodeAsync(ChatRequest request, string text, CancellationToken cancellationToken)
    {
        var message = new EncodeRequest { Text = text, AddSpecialTokens = false };
        try
        {
            var reply = await _client.EncodeAsync(
                message, RequestMetadata.For(request), RequestMetadata.Deadline(request), cancellationToken);
            return [.. reply.Ids];
        }
        catch (RpcException exception)
        {
            throw UpstreamFault.Translate(exception, channels.Tokenizer, cancellationToken);
        }
    }

    /// <summary>The runs of ids in which texts may stand within others.</summary>
    public async Task<IReadOnlyList<uint[]>> FindOverlapsAsync(
        ChatRequest request, IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        var message = new FindOverlapsRequest();
        message.Texts.AddRange(texts);
        try
        {
            var reply = await _client.FindOverlapsAsync(
                message, RequestMetadata.For(request), RequestMetadata.Deadline(request), cancellationToken);
            return [.. reply.Runs.Select(run => run.Ids.ToArray())];
        }
        catch (RpcException exception)
        {
            throw UpstreamFault.Translate(exception, channels.Tokenizer, cancellationToken);
        }
    }

    /// <summary>Opens a stream for all choices of a request; dispose it to leave.</summary>
    public DetokenizeStream Detokenize(ChatRequest request, CancellationToken cancellationToken) =>
        detokenizeCalls.Open((int)request.Choices, cancellationToken);
}
