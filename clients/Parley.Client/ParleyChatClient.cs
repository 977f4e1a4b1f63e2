using System.Runtime.CompilerServices;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Parley.Client.Answers;
using Parley.Client.Calls;
using Parley.Client.Requests;
using Parley.Gateway.V1;

namespace Parley.Client;

/// <summary>
/// A chat with a Parley server over gRPC. One client serves any number of chats at once and is meant to live long: it keeps the
/// connections.
/// </summary>
/// <remarks>
/// <see cref="ChatOptions"/> are honoured where the contract has the thing, else refused by name with a
/// <see cref="ParleyRequestException"/> before any call; left out are <see cref="ChatOptions.AllowBackgroundResponses"/> and
/// <see cref="ReasoningOptions.Output"/>, which change no answer here. <see cref="ParleyProperties"/> has the names of what goes beyond,
/// and <see cref="ChatOptions.RawRepresentationFactory"/> may give a whole <see cref="CompleteRequest"/>, whose settings win. The raw
/// representation of an update is its <see cref="CompleteResponse"/>, that of a whole answer its <see cref="CompletedEvent"/>.
/// </remarks>
public sealed class ParleyChatClient : IChatClient
{
    private const string ProviderName = "parley";

    private readonly ParleyClientOptions _options;
    private readonly GrpcChannel? _channel;
    private readonly ChatCompletion.ChatCompletionClient _client;
    private readonly RetriedCalls _calls;
    private readonly ChatClientMetadata _metadata;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _disposal = new();

    /// <summary>Makes a client with its own connections, which it closes when it is disposed.</summary>
    /// <param name="address">Where the server's gRPC is; see <see cref="ParleyClientOptions.Address"/>.</param>
    /// <param name="apiKey">Key, where the server asks for one.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">Address or key cannot be.</exception>
    public ParleyChatClient(string address, string? apiKey = null)
        : this(new ParleyClientOptions { Address = address, ApiKey = apiKey })
    {
    }

    /// <summary>Makes a client with its own connections, which it closes when it is disposed.</summary>
    /// <param name="options">Its settings.</param>
    /// <param name="loggers">Where gRPC and the client log: no prompts and no answers. Default nowhere.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">A setting cannot be; the message names all.</exception>
    /// <exception cref="InvalidDataException">The file of authorities holds no certificate.</exception>
    public ParleyChatClient(ParleyClientOptions options, ILoggerFactory? loggers = null)
        : this(Checked(options), ServerChannel.Create(options, loggers), null, loggers, TimeProvider.System,
            new RetrySchedule(options.Retry))
    {
    }

    /// <summary>Makes a client over connections, or interceptors, of the caller, who keeps them.</summary>
    /// <param name="invoker">Makes the calls, e.g. <c>channel.CreateCallInvoker()</c>.</param>
    /// <param name="options">Its settings; those of the connection do not count. Default the defaults.</param>
    /// <param name="loggers">Where the client logs: no prompts and no answers. Default nowhere.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">A setting cannot be; the message names all.</exception>
    public ParleyChatClient(CallInvoker invoker, ParleyClientOptions? options = null, ILoggerFactory? loggers = null)
        : this(Checked(options ??= new ParleyClientOptions()), null, invoker ?? throw new ArgumentNullException(nameof(invoker)), loggers,
            TimeProvider.System, new RetrySchedule(options.Retry))
    {
    }

    internal ParleyChatClient(
        ParleyClientOptions options, GrpcChannel? channel, CallInvoker? invoker, ILoggerFactory? loggers, TimeProvider time,
        RetrySchedule schedule)
    {
        (_options, _channel, _time) = (options, channel, time);
        _client = new ChatCompletion.ChatCompletionClient(invoker ?? channel!.CreateCallInvoker());
        var logger = (ILogger?)loggers?.CreateLogger<ParleyChatClient>() ?? NullLogger.Instance;
        _calls = new RetriedCalls(_client, options.ApiKey, schedule, time, logger, _disposal.Token);
        _metadata = new ChatClientMetadata(ProviderName, channel is null ? null : new Uri(options.Address), options.ModelId);
    }

    /// <inheritdoc/>
    /// <exception cref="ParleyException">The chat was refused or failed; its type says in which way.</exception>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var call = Write(messages, options);
        var answer = new AnswerReader(call.Request.RequestId, _time);
        var updates = new List<ChatResponseUpdate>();
        await foreach (var response in _calls.RunAsync(call, isSeen: false, cancellationToken).ConfigureAwait(false))
        {
            // Of a try that failed nothing remains.
            if (response.EventCase == CompleteResponse.EventOneofCase.Accepted)
                updates.Clear();
            if (answer.Read(response) is { } update)
                updates.Add(update);
        }

        var whole = updates.ToChatResponse();
        // Coalescing leaves these with the message alone.
        whole.AdditionalProperties ??= updates[^1].AdditionalProperties?.Clone();
        whole.RawRepresentation = answer.Completed;
        return whole;
    }

    /// <inheritdoc/>
    /// <exception cref="ParleyException">The chat was refused or failed; its type says in which way.</exception>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        StreamAsync(Write(messages, options), cancellationToken);

    /// <summary>
    /// This client, its <see cref="ChatClientMetadata"/>, the generated client below it and its <see cref="GrpcChannel"/>, where it has
    /// one.
    /// </summary>
    /// <param name="serviceType">What is asked for.</param>
    /// <param name="serviceKey">Nothing here has a key.</param>
    /// <returns>The service, or null.</returns>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
            return null;
        object?[] services = [this, _metadata, _client, _channel];
        return Array.Find(services, serviceType.IsInstanceOfType);
    }

    /// <summary>Ends the chats that are running and closes the client's own connections.</summary>
    public void Dispose()
    {
        if (_disposal.IsCancellationRequested)
            return;
        _disposal.Cancel();
        _channel?.Dispose();
        _disposal.Dispose();
    }

    private static ParleyClientOptions Checked(ParleyClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ParleyClientOptionsRules.ThrowIfFaulty(options);
        return options;
    }

    private ChatCall Write(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ObjectDisposedException.ThrowIf(_disposal.IsCancellationRequested, this);
        return RequestWriter.Write(messages, options, this, _options, Guid.CreateVersion7(_time.GetUtcNow()).ToString("n"));
    }

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        ChatCall call, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var answer = new AnswerReader(call.Request.RequestId, _time);
        await foreach (var response in _calls.RunAsync(call, isSeen: true, cancellationToken).ConfigureAwait(false))
        {
            if (answer.Read(response) is { } update)
                yield return update;
        }
    }
}
