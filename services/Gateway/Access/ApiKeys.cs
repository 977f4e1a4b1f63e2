using System.Security.Cryptography;
using Microsoft.Extensions.Options;

namespace Parley.Gateway.Access;

/// <summary>
/// The keys that callers may send. Their file is read again while the service runs, by its content and not by its time or by notices of the
/// file system: a mounted secret changes by a link somewhere above it. A new content that is wrong leaves the keys of before in force.
/// </summary>
internal sealed class ApiKeys : IHostedService, IDisposable
{
    /// <summary>Where the key comes from when <c>Gateway:ApiKey</c> is not set.</summary>
    public const string Variable = "PARLEY_API_KEY";

    private readonly GatewayOptions _options;
    private readonly ILogger<ApiKeys> _logger;
    private readonly TimeProvider _time;
    private byte[] _seen = [];
    private ITimer? _timer;
    private volatile KeyRing _ring;
    private volatile string? _fault;

    /// <exception cref="OptionsValidationException">A key cannot be read: fewer keys than meant would be an open door.</exception>
    public ApiKeys(IOptions<GatewayOptions> options, TimeProvider time, ILogger<ApiKeys> logger)
    {
        (_options, _time, _logger) = (options.Value, time, logger);
        var faults = new List<string>();
        var file = _options.ApiKeyFile.Length > 0 ? KeyRingReader.ReadFile(_options.ApiKeyFile, faults) : null;
        _ring = KeyRingReader.Read(_options, file, faults);
        if (faults.Count > 0)
            throw new OptionsValidationException(GatewayOptions.Section, typeof(GatewayOptions), faults);
        if (file is not null)
            _seen = SHA256.HashData(file);
    }

    /// <summary>Whether callers need a key, or a token, at all.</summary>
    public bool AreNeeded => _options.Oidc.Authority.Length > 0 || _ring.Count > 0;

    /// <summary>The keys of now.</summary>
    public KeyRing Ring => _ring;

    /// <summary>What is amiss with the file as it is now, without keys or paths; null where nothing is.</summary>
    public string? Fault => _fault;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var period = TimeSpan.FromSeconds(_options.ApiKeyFileSeconds);
        if (_options.ApiKeyFile.Length > 0)
            _timer = _time.CreateTimer(_ => Reload(), null, period, period);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _timer?.Dispose();

    private void Reload()
    {
        var faults = new List<string>();
        var file = KeyRingReader.ReadFile(_options.ApiKeyFile, faults);
        // A file that cannot be read is one content more.
        var hash = file is null ? [] : SHA256.HashData(file);
        if (hash.AsSpan().SequenceEqual(_seen))
            return;
        _seen = hash;
        var ring = file is null ? _ring : Read(file, faults);
        if (faults.Count > 0)
        {
            _fault = "The file of keys has changed and cannot be used; the keys of before are in force.";
            Log.KeysKept(_logger, string.Join(" ", faults));
            return;
        }

        (_ring, _fault) = (ring, null);
        Log.KeysRead(_logger, ring.Count);
    }

    private KeyRing Read(byte[] file, List<string> faults)
    {
        try
        {
            return KeyRingReader.Read(_options, file, faults);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // On a timer's thread whatever nobody thought of would end the process.
            faults.Add($"It cannot be read ({exception.GetType().Name}).");
            return _ring;
        }
    }
}
