using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;

namespace Parley.Gateway.Limits;

/// <summary>
/// Everyone who calls, each with budgets of their own; in number as bounded as the labels that metrics name them by. Whose request is being
/// served flows with it, so no edge can forget to say.
/// </summary>
internal sealed class Callers
{
    /// <summary>Who calls where no key is needed.</summary>
    public const string Anonymous = "anonymous";

    /// <summary>Who calls with a key that has no name.</summary>
    public const string Unnamed = "unnamed";

    /// <summary>In metrics: a caller beyond those that are named, and one whose key was none.</summary>
    public const string Other = "other";

    public const string Nobody = "none";

    private static readonly AsyncLocal<Caller?> Served = new();

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Caller> _callers = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<LimitOptions, Caller> _shared = [];
    private readonly HashSet<string> _labels = new(StringComparer.OrdinalIgnoreCase);
    private readonly GatewayOptions _options;
    private readonly TimeProvider _time;
    private readonly Counter<long> _requests;
    private readonly Counter<long> _tokens;

    public Callers(IOptions<GatewayOptions> options, GatewayTelemetry telemetry)
    {
        (_options, _time) = (options.Value, telemetry.Time);
        (_requests, _tokens) = (telemetry.CallerRequests, telemetry.CallerTokens);
    }

    /// <summary>Whose request this is; anonymous where nobody has said.</summary>
    public Caller Current => Served.Value ?? Get(Anonymous, _options.Limits.TryGetValue(LimitOptions.DefaultName, out var limits)
        ? limits : new LimitOptions());

    /// <summary>From here on, in this method and what it calls, a request is that caller's.</summary>
    public static void Enter(Caller caller) => Served.Value = caller;

    /// <summary>The caller of a name; one whose limits were changed begins anew.</summary>
    public Caller Get(string name, LimitOptions limits)
    {
        lock (_lock)
        {
            if (_callers.TryGetValue(name, out var known) && (ReferenceEquals(known.Limits, limits) || known.Limits == limits))
                return known;
            if (known is null && _callers.Count >= _options.CallersMax)
                Forget();
            if (known is not null || _callers.Count < _options.CallersMax)
                return _callers[name] = new Caller(name, LabelOf(name), limits, _time);
            // Too many to be kept apart: whoever has the same limits shares them, so nobody gains by it.
            return _shared.TryGetValue(limits, out var shared) ? shared : _shared[limits] = new Caller(Other, Other, limits, _time);
        }
    }

    /// <summary>Counts a request by how it went: <c>admitted</c>, <c>unauthenticated</c>, <c>denied</c>, <c>limited</c>.</summary>
    public void Count(string label, string outcome) => _requests.Add(1, new TagList
    {
        { "parley.caller.name", label }, { "parley.outcome", outcome },
    });

    /// <summary>Counts tokens that were used.</summary>
    public void CountTokens(Caller caller, string type, long tokens)
    {
        if (tokens > 0)
            _tokens.Add(tokens, new TagList { { "parley.caller.name", caller.Label }, { "gen_ai.token.type", type } });
    }

    private void Forget()
    {
        foreach (var whole in _callers.Values.Where(caller => caller.IsWhole).ToList())
            _callers.Remove(whole.Name);
    }

    private string LabelOf(string name)
    {
        if (_labels.Contains(name))
            return name;
        if (name is not (Anonymous or Unnamed) && _labels.Count >= _options.CallerNamesMax)
            return Other;
        _labels.Add(name);
        return name;
    }
}
