using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Parley.Client;
using Parley.Embedded.Hosting;
using Parley.Embedded.Memory;
using Parley.Embedded.Starting;

namespace Parley.Embedded;

/// <summary>
/// A chat with a model that is served in this process, by the same three services that a Parley server has and without a port: what it
/// answers is what they answer. One client serves any number of chats at once and is meant to live long; clients of several models may
/// live beside each other, each with its own memory.
/// </summary>
/// <remarks>
/// The model is fetched, imported and loaded at the first chat, or at <see cref="StartAsync"/>; every chat that comes meanwhile waits for
/// the same start. Options of a chat, what is refused, and the exceptions of a chat are those of <see cref="Client.ParleyChatClient"/>.
/// Read of the environment are the Hub's own variables (<c>HF_HOME</c>, <c>HF_TOKEN</c>, …) and the folder of caches, and nothing else.
/// </remarks>
public sealed class ParleyChatClient : IChatClient, IAsyncDisposable
{
    private const string ProviderName = "parley";

    private readonly SharedStart<LocalSystem> _start;
    private readonly Client.ParleyChatClient _client;
    private readonly ChatClientMetadata _metadata;
    private int _isDisposed;

    /// <summary>Makes a client of a model; nothing is fetched or loaded yet.</summary>
    /// <param name="model">The model; see <see cref="ParleyEmbeddedOptions.Model"/>.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">It is empty.</exception>
    public ParleyChatClient(string model)
        : this(new ParleyEmbeddedOptions { Model = model })
    {
    }

    /// <summary>Makes a client of a model; nothing is fetched or loaded yet.</summary>
    /// <param name="options">Its settings, which are not to be changed afterwards.</param>
    /// <param name="loggers">Where the services log; prompts and answers only at Trace. Default nowhere.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">A setting cannot be; the message names all.</exception>
    public ParleyChatClient(ParleyEmbeddedOptions options, ILoggerFactory? loggers = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ParleyEmbeddedOptionsRules.ThrowIfFaulty(options);
        var memory = new MemoryNetwork();
        _start = new SharedStart<LocalSystem>(cancellationToken => ModelStart.RunAsync(options, memory, loggers, cancellationToken));
        _client = new Client.ParleyChatClient(
            new ParleyClientOptions
            {
                Address = LocalSystem.GatewayInMemory,
                Timeout = options.Timeout,
                UnknownProperties = options.UnknownProperties,
                CreateHandler = memory.CreateHandler,
            },
            loggers);
        _metadata = new ChatClientMetadata(ProviderName, defaultModelId: options.Model);
    }

    /// <summary>Gets the model ready before the first chat asks for it.</summary>
    /// <param name="cancellationToken">Ends the waiting, and the start where nobody else waits for it.</param>
    /// <returns>Completes when the model is served.</returns>
    /// <exception cref="ParleyStartException">The model could not be got ready; the next use tries again.</exception>
    /// <exception cref="ObjectDisposedException">The client was disposed.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default) =>
        await _start.WaitAsync(cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    /// <exception cref="ParleyStartException">The model could not be got ready; the next use tries again.</exception>
    /// <exception cref="ParleyException">The chat was refused or failed; its type says in which way.</exception>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        IReadOnlyList<ChatMessage> chat = [.. messages];
        if (!_start.IsStarted)
        {
            // Checked before a model is fetched for it: a stream that nobody reads is no call.
            _ = _client.GetStreamingResponseAsync(chat, options, cancellationToken);
            await _start.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        return await _client.GetResponseAsync(chat, options, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    /// <exception cref="ParleyStartException">The model could not be got ready; the next use tries again.</exception>
    /// <exception cref="ParleyException">The chat was refused or failed; its type says in which way.</exception>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        StreamAsync(_client.GetStreamingResponseAsync(messages, options, cancellationToken), cancellationToken);

    /// <summary>
    /// This client, its <see cref="ChatClientMetadata"/>, and what <see cref="Client.ParleyChatClient"/> gives of the connection to the
    /// services: the generated client of the contract, and the channel.
    /// </summary>
    /// <param name="serviceType">What is asked for.</param>
    /// <param name="serviceKey">Nothing here has a key.</param>
    /// <returns>The service, or null.</returns>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
            return null;
        return serviceType.IsInstanceOfType(this) ? this
            : serviceType.IsInstanceOfType(_metadata) ? _metadata
            : _client.GetService(serviceType);
    }

    /// <summary>
    /// Finishes what is running, for at most the services' shutdown time (<c>Parley:ShutdownSeconds</c>, 30 by default), and gives the
    /// memory back; a start that runs is broken off.
    /// </summary>
    /// <returns>Completes when the model is gone.</returns>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        await _start.EndAsync().ConfigureAwait(false);
        _client.Dispose();
    }

    /// <summary>Ends the chats that are running, and gives the memory back; it waits until that is done.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        _client.Dispose();
        // The caller's thread may be one that continuations wait for.
        Task.Run(async () => await _start.EndAsync().ConfigureAwait(false)).GetAwaiter().GetResult();
    }

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        IAsyncEnumerable<ChatResponseUpdate> updates, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await _start.WaitAsync(cancellationToken).ConfigureAwait(false);
        await foreach (var update in updates.WithCancellation(cancellationToken).ConfigureAwait(false))
            yield return update;
    }
}
