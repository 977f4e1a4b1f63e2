using System.Collections.Concurrent;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Parley.Tokenizer.V1;

namespace Parley.Gateway.Tests.Doubles;

/// <summary>
/// A Tokenizer whose tokens are bytes: faithful in what it holds back (incomplete UTF-8, possible stops) and in its message count.
/// </summary>
internal sealed class FakeTokenizer : Tokenization.TokenizationBase
{
    public const uint Eos = 256;

    /// <summary>Special tokens by id: text where they are asked for, else none.</summary>
    public static readonly IReadOnlyDictionary<uint, string> Specials = new Dictionary<uint, string>
    {
        [Eos] = "<eos>",
        [257] = "<|im_end|>",
        [258] = "<|python_tag|>",
        [259] = "<|eot_id|>",
    };

    /// <summary>A stop string that a start is refused for.</summary>
    public const string RefusedStop = "refused stop";

    public string Sha256 { get; set; } = "aa11";

    /// <summary>Whether the default template reads tools.</summary>
    public bool ReadsTools { get; set; } = true;

    /// <summary>How answers are read, as the model says.</summary>
    public string ResponseTemplateJson { get; set; } = "";

    /// <summary>The chat template's source, for whoever finds formats in it.</summary>
    public string ChatTemplate { get; set; } = "";

    /// <summary>What the template writes last, to open the answer.</summary>
    public string Opening { get; set; } = "";

    /// <summary>Thrown by EncodeChat where set.</summary>
    public RpcException? EncodeFault { get; set; }

    /// <summary>Thrown by Detokenize after this many answers, where set.</summary>
    public int? DetokenizeFaultAfter { get; set; }

    public ConcurrentQueue<Parley.Tokenizer.V1.Chat> Chats { get; } = new();

    /// <summary>Plain texts that were encoded.</summary>
    public ConcurrentQueue<EncodeRequest> Texts { get; } = new();

    /// <summary>What is put before a text, where there is one.</summary>
    public uint? Bos { get; set; }

    public ConcurrentQueue<string> RequestIds { get; } = new();

    public ConcurrentQueue<DetokenizeStart> Starts { get; } = new();

    private int _openStreams;
    private int _streams;
    private int _openSequences;

    public int OpenStreams => Volatile.Read(ref _openStreams);

    /// <summary>Detokenize calls so far.</summary>
    public int Streams => Volatile.Read(ref _streams);

    /// <summary>Sequences that were started and not ended, on calls that are open.</summary>
    public int OpenSequences => Volatile.Read(ref _openSequences);

    /// <summary>Bytes; a special token's text is its id.</summary>
    public static uint[] Ids(string text)
    {
        var ids = new List<uint>();
        while (text.Length > 0)
        {
            var special = Specials.FirstOrDefault(one => text.StartsWith(one.Value, StringComparison.Ordinal));
            var length = special.Value?.Length ?? (char.IsHighSurrogate(text[0]) ? 2 : 1);
            if (special.Value is null)
                ids.AddRange(Encoding.UTF8.GetBytes(text[..length]).Select(value => (uint)value));
            else
                ids.Add(special.Key);
            text = text[length..];
        }

        return [.. ids];
    }

    /// <summary>What a chat renders to here.</summary>
    public static string Render(Parley.Tokenizer.V1.Chat chat) =>
        string.Concat(chat.Messages.Select(message => $"<{message.Role}>{message.Content}"));

    public override Task<DescribeResponse> Describe(DescribeRequest request, ServerCallContext context) =>
        Task.FromResult(new DescribeResponse
        {
            Model = "fake",
            TokenizerSha256 = Sha256,
            HasChatTemplate = true,
            ReadsTools = ReadsTools,
            VocabularySize = 260,
            ResponseTemplateJson = ResponseTemplateJson,
            ChatTemplate = ChatTemplate,
        });

    public override Task<EncodeChatResponse> EncodeChat(EncodeChatRequest request, ServerCallContext context)
    {
        if (EncodeFault is not null)
            throw EncodeFault;
        Chats.Enqueue(request.Chat);
        RequestIds.Enqueue(context.RequestHeaders.GetValue("x-request-id") ?? "");
        var text = Render(request.Chat) + Opening;
        var response = new EncodeChatResponse { TokenizerSha256 = Sha256, TemplateNanoseconds = 1000, EncodeNanoseconds = 2000 };
        response.Ids.AddRange(Ids(text));
        if (request.IncludeText)
        {
            response.Text = text;
            response.UserRanges.Add(new TextRange { Start = 6, Length = 2 });
        }

        if (request.IncludePieces)
            response.Pieces.AddRange(Ids(text).Select(Piece));
        return Task.FromResult(response);
    }

    /// <summary>Thrown by Decode where set.</summary>
    public RpcException? DecodeFault { get; set; }

    public override Task<EncodeResponse> Encode(EncodeRequest request, ServerCallContext context)
    {
        Texts.Enqueue(request);
        var response = new EncodeResponse { TokenizerSha256 = Sha256 };
        if (Bos is { } bos && (!request.HasAddSpecialTokens || request.AddSpecialTokens))
            response.Ids.Add(bos);
        response.Ids.AddRange(Ids(request.Text));
        if (request.IncludePieces)
            response.Pieces.AddRange(response.Ids.Select(Piece));
        return Task.FromResult(response);
    }

    /// <summary>Where tokens are bytes, a text stands in others as its own bytes.</summary>
    public override Task<FindOverlapsResponse> FindOverlaps(FindOverlapsRequest request, ServerCallContext context)
    {
        var response = new FindOverlapsResponse();
        response.Runs.AddRange(request.Texts.Select(text => new OverlapRun { Ids = { Ids(text) } }));
        return Task.FromResult(response);
    }

    public override Task<DecodeResponse> Decode(DecodeRequest request, ServerCallContext context)
    {
        if (DecodeFault is not null)
            throw DecodeFault;
        var response = new DecodeResponse { Text = string.Concat(request.Ids.Select(id => Piece(id).Text)) };
        if (request.IncludePieces)
            response.Pieces.AddRange(request.Ids.Select(Piece));
        return Task.FromResult(response);
    }

    public override async Task Detokenize(
        IAsyncStreamReader<DetokenizeRequest> requestStream, IServerStreamWriter<DetokenizeResponse> responseStream,
            ServerCallContext context)
    {
        Interlocked.Increment(ref _openStreams);
        Interlocked.Increment(ref _streams);
        var sequences = new Dictionary<uint, FakeDetokenizer>();
        try
        {
            var answers = 0;
            await foreach (var message in requestStream.ReadAllAsync(context.CancellationToken))
            {
                if (message.EventCase != DetokenizeRequest.EventOneofCase.Batch)
                {
                    if (Answer(sequences, message, ref answers) is { } answer)
                        await responseStream.WriteAsync(answer, context.CancellationToken);
                    continue;
                }

                var batch = new DetokenizeResponse();
                foreach (var one in message.Batch.Requests)
                {
                    if (Answer(sequences, one, ref answers) is { } answer)
                        batch.Batch.Add(answer);
                }

                if (batch.Batch.Count > 0)
                    await responseStream.WriteAsync(batch, context.CancellationToken);
            }
        }
        finally
        {
            Interlocked.Add(ref _openSequences, -sequences.Count);
            Interlocked.Decrement(ref _openStreams);
        }
    }

    private DetokenizeResponse? Answer(Dictionary<uint, FakeDetokenizer> sequences, DetokenizeRequest message, ref int answers)
    {
        if (message.EventCase == DetokenizeRequest.EventOneofCase.Start)
        {
            if (message.Start.Stop.Contains(RefusedStop))
            {
                var fault = new DetokenizeFault { Field = "start.stop[0]", Description = "is refused here" };
                return new DetokenizeResponse { Sequence = message.Sequence, Final = true, Fault = fault };
            }

            Starts.Enqueue(message.Start);
            sequences.Add(message.Sequence, new FakeDetokenizer(message.Sequence, message.Start));
            Interlocked.Increment(ref _openSequences);
            return null;
        }

        if (!sequences.TryGetValue(message.Sequence, out var sequence))
            return null;
        if (message.EventCase == DetokenizeRequest.EventOneofCase.End && sequences.Remove(message.Sequence))
            Interlocked.Decrement(ref _openSequences);
        if (sequence.IsFinal)
            return null;
        if (answers++ == DetokenizeFaultAfter)
            throw new RpcException(new Grpc.Core.Status(StatusCode.Unavailable, "the pod is going away"));
        return message.EventCase == DetokenizeRequest.EventOneofCase.Tokens ? sequence.Add(message.Tokens.Ids) : sequence.End();
    }

    public static RpcException InvalidTemplate() => new Google.Rpc.Status
    {
        Code = (int)StatusCode.InvalidArgument,
        Message = "chat.messages: roles must alternate",
        Details =
        {
            Any.Pack(new BadRequest
            {
                FieldViolations = { new BadRequest.Types.FieldViolation { Field = "chat.messages", Description = "roles must alternate" } },
            }),
        },
    }.ToRpcException();

    private static TokenPiece Piece(uint id)
    {
        if (id == Eos)
            return new TokenPiece { Id = id, Token = "<eos>", Text = "<eos>", Utf8 = ByteString.CopyFromUtf8("<eos>"), Special = true };
        var bytes = new[] { (byte)id };
        return new TokenPiece
        {
            Id = id,
            Token = $"<0x{id:X2}>",
            Text = Encoding.UTF8.GetString(bytes),
            Utf8 = ByteString.CopyFrom(bytes),
            DroppedAtStart = id == ' ' ? 1u : 0,
        };
    }
}
