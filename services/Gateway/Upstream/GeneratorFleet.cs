using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Parley.Gateway.Balancing;
using Parley.Gateway.Chat;

namespace Parley.Gateway.Upstream;

/// <summary>The Generators of the model: which there are, what they say of themselves, and which of them a prompt goes to.</summary>
/// <remarks>
/// A channel for each, and not grpc-dotnet's balancer over one: who picks has to know the prompt's blocks and which replicas have failed
/// this very answer, and has to be told which one was picked.
/// </remarks>
internal sealed class GeneratorFleet : IDisposable
{
    /// <summary>Blocks of a prompt that are told apart; what is longer is as good as that.</summary>
    private const int BlocksMax = 4096;

    private const int BlockTokensUnsaid = 16;

    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(200);

    private readonly GatewayOptions _options;
    private readonly UpstreamChannelFactory _factory;
    private readonly TimeProvider _time;
    private readonly ILogger<GeneratorFleet> _logger;
    private readonly ReplicaAddresses _addresses;
    private readonly PrefixMemory<GeneratorReplica> _memory;
    private readonly ReplicaPicker<GeneratorReplica> _picker;
    private readonly Lock _lock = new();
    private readonly List<GeneratorReplica> _leaving = [];
    private GeneratorReplica[] _replicas = [];

    public GeneratorFleet(
        IOptions<GatewayOptions> options, UpstreamChannelFactory factory, TimeProvider time, ILogger<GeneratorFleet> logger)
    {
        _options = options.Value;
        _factory = factory;
        _time = time;
        _logger = logger;
        _addresses = ReplicaAddresses.Read(_options.GeneratorAddress)
            ?? throw new ArgumentException($"'{_options.GeneratorAddress}' is no address of Generators.", nameof(options));
        _memory = new PrefixMemory<GeneratorReplica>(_options.PrefixBlocksMax);
        _picker = new ReplicaPicker<GeneratorReplica>(_memory, _options.PrefixOverloadFactor, RandomNumberGenerator.GetInt32);
        Budget = new RetryBudget(_options.ConcurrentChoicesMax, _options.FailoverRatio);
        Set(_addresses.Fixed);
    }

    /// <summary>Those that discovery names now.</summary>
    public IReadOnlyList<GeneratorReplica> Replicas => Volatile.Read(ref _replicas);

    /// <summary>Whether there is more than one, or may be: then their load is watched.</summary>
    public bool IsBalanced => _addresses.Host is not null || Replicas.Count > 1;

    /// <summary>Bounds second attempts.</summary>
    public RetryBudget Budget { get; }

    /// <summary>Looks the name up, where there is one; on a fault, and where nothing is found, all stays as it is.</summary>
    public async Task ResolveAsync(HostLookup lookup, CancellationToken cancellationToken)
    {
        if (_addresses.Host is not { } host)
            return;
        try
        {
            var found = await lookup(host, cancellationToken);
            if (found.Length > 0)
                Set([.. found.Distinct().Take(ReplicaAddresses.CountMax).Select(AddressOf)]);
        }
        catch (SocketException exception)
        {
            Log.NotResolved(_logger, host, exception.SocketErrorCode);
        }
    }

    /// <summary>What a Generator says of itself: the first that answers; the others' answers are noted when they come.</summary>
    /// <exception cref="ChatException">None is there.</exception>
    public async Task<GeneratorDescription> DescribeAsync(CancellationToken cancellationToken)
    {
        var open = Replicas.Select(replica => DescribeAsync(replica, cancellationToken)).ToList();
        var all = open.ToArray();
        while (open.Count > 0)
        {
            var first = await Task.WhenAny(open);
            if (first.IsCompletedSuccessfully)
                return await first;
            open.Remove(first);
        }

        if (all.Length == 0)
            throw Nowhere($"{_options.GeneratorAddress} has no address yet.");
        if (all.Length == 1)
            return await all[0];
        cancellationToken.ThrowIfCancellationRequested();
        throw Nowhere(string.Join(" ", all.Select(task => (task.Exception?.InnerException as ChatException)?.Error.LogMessage)));
    }

    /// <summary>Asks one Generator what it is, and notes it.</summary>
    public static async Task<GeneratorDescription> DescribeAsync(GeneratorReplica replica, CancellationToken cancellationToken)
    {
        try
        {
            return replica.Description = await replica.Client.DescribeAsync(null, cancellationToken);
        }
        catch (ChatException)
        {
            replica.Description = null;
            throw;
        }
    }

    /// <summary>Has a Generator say what it is, where that is not known: it may have been started anew since it was last there.</summary>
    public async ValueTask KnowAsync(GeneratorReplica replica, CancellationToken cancellationToken)
    {
        if (replica.Description is not null)
            return;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(_options.DescribeSecondsMax), _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            await DescribeAsync(replica, either.Token);
        }
        catch (Exception exception) when (exception is ChatException or OperationCanceledException)
        {
            // The call itself will tell.
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Has every Generator load or unload an adapter. Where one cannot, the others have done so all the same.</summary>
    /// <exception cref="ChatException">One could not.</exception>
    public async Task<AdapterChange> ChangeAsync(Func<GeneratorClient, Task<AdapterChange>> change)
    {
        var replicas = Replicas;
        if (replicas.Count == 0)
            throw Nowhere($"{_options.GeneratorAddress} has no address yet.");
        try
        {
            var changes = await Task.WhenAll(replicas.Select(replica => change(replica.Client)));
            return new AdapterChange((uint)changes.Sum(one => one.SequencesLeft), changes.Any(one => one.Replaced));
        }
        finally
        {
            // What they say of themselves is another thing now.
            foreach (var replica in replicas)
                replica.Description = null;
        }
    }

    /// <summary>The Generator for a prompt; null where there is none but those that are avoided.</summary>
    public GeneratorReplica? Pick(EncodedPrompt prompt, string adapter, IReadOnlySet<GeneratorReplica> avoided)
    {
        var replicas = Replicas;
        var blocks = replicas.Count > 1 ? Blocks(replicas, prompt.Ids, adapter) : [];
        // One that has not said what it is may be of another model: only where no other is there. It compares tokenizers itself.
        return Pick(replica => replica.Description is { } description && description.TokenizerSha256 == prompt.TokenizerSha256
                && (adapter.Length == 0 || description.Adapters.Any(one => one.Name == adapter)))
            ?? Pick(replica => replica.Description is null);

        GeneratorReplica? Pick(Func<GeneratorReplica, bool> mayServe) =>
            _picker.Pick(replicas, blocks, BlockTokens(replicas), replica => !avoided.Contains(replica) && mayServe(replica));
    }

    /// <summary>Waits for a Generator that can go on with an answer: one that was started anew, or has loaded its model by now.</summary>
    /// <returns>Null where none has come in time.</returns>
    public async Task<GeneratorReplica?> AwaitAsync(EncodedPrompt prompt, CancellationToken cancellationToken)
    {
        var begun = _time.GetTimestamp();
        while (_time.GetElapsedTime(begun) < TimeSpan.FromSeconds(_options.ResumeWaitSeconds))
        {
            await Task.Delay(AskAgain, _time, cancellationToken);
            foreach (var replica in Replicas)
            {
                replica.Description = null;
                await KnowAsync(replica, cancellationToken);
                if (replica.Description?.TokenizerSha256 == prompt.TokenizerSha256)
                    return replica;
            }
        }

        return null;
    }

    /// <summary>A Generator has computed a prompt and so much of its answer.</summary>
    public void Learn(GeneratorReplica replica, IReadOnlyList<uint> prompt, IReadOnlyList<uint> answer, string adapter)
    {
        var replicas = Replicas;
        if (replicas.Count > 1)
            _memory.Learn(Blocks(replicas, answer.Count == 0 ? prompt : [.. prompt, .. answer], adapter), replica);
    }

    /// <summary>Frees the channels of Generators that have gone and whose last stream has ended.</summary>
    public void Sweep()
    {
        lock (_lock)
        {
            foreach (var replica in _leaving.Where(replica => replica.Streams == 0))
                replica.Dispose();
            _leaving.RemoveAll(replica => replica.Streams == 0);
        }
    }

    public void Dispose()
    {
        foreach (var replica in Replicas.Concat(_leaving))
            replica.Dispose();
    }

    private void Set(IReadOnlyList<Uri> addresses)
    {
        lock (_lock)
        {
            var kept = _replicas.Where(replica => addresses.Contains(replica.Address)).ToList();
            foreach (var gone in _replicas.Except(kept))
            {
                gone.IsLeaving = true;
                _memory.Forget(gone);
                _leaving.Add(gone);
                Log.ReplicaGone(_logger, gone.Address.Authority);
            }

            foreach (var address in addresses.Where(address => kept.TrueForAll(replica => replica.Address != address)))
            {
                kept.Add(new GeneratorReplica(address, _factory(address), new CircuitBreaker(
                    _options.BreakerFaultsMax, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(_options.BreakerSecondsMax), _time)));
                if (_addresses.Host is not null)
                    Log.ReplicaFound(_logger, address.Authority);
            }

            Volatile.Write(ref _replicas, [.. kept]);
        }
    }

    private Uri AddressOf(IPAddress address) => new UriBuilder(Uri.UriSchemeHttp, address.ToString(), _addresses.Port).Uri;

    private static ulong[] Blocks(IReadOnlyList<GeneratorReplica> replicas, IReadOnlyList<uint> ids, string adapter) =>
        PromptBlocks.Hash(ids, BlockTokens(replicas), BlocksMax, adapter);

    private static int BlockTokens(IReadOnlyList<GeneratorReplica> replicas) =>
        replicas.Select(replica => (int)(replica.Description?.KvBlockTokens ?? 0)).FirstOrDefault(tokens => tokens > 0, BlockTokensUnsaid);

    private static ChatException Nowhere(string detail) =>
        new(new ChatError(ChatErrorKind.Unavailable, ChatError.NotAvailable) { Detail = $"No Generator is there. {detail}" });
}
