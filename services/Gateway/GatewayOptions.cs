using System.ComponentModel.DataAnnotations;

namespace Parley.Gateway;

/// <summary>Settings of the Gateway: configuration section <c>Gateway</c>.</summary>
public sealed class GatewayOptions
{
    public const string Section = "Gateway";

    /// <value>Where the Tokenizer answers gRPC, e.g. <c>http://tokenizer:5082</c>. No default.</value>
    [Required]
    public string TokenizerAddress { get; set; } = "";

    /// <value>
    /// Where the Generators answer gRPC, e.g. <c>http://generator:5083</c>; several after commas, or <c>dns:///name:port</c>, whose every
    /// address is one. No default.
    /// </value>
    [Required]
    public string GeneratorAddress { get; set; } = "";

    /// <value>
    /// Name under which the model is served, after a comma others that requests may give as well. Default the Generator's.
    /// </value>
    public string ModelName { get; set; } = "";

    /// <value>
    /// Key that callers send as <c>Authorization: Bearer KEY</c>. Default the variable <c>PARLEY_API_KEY</c>, else none: then the Gateway
    /// listens beyond this machine only with <see cref="AllowAnonymous"/>.
    /// </value>
    public string ApiKey { get; set; } = "";

    /// <value>
    /// File with further keys: JSON with <c>Keys</c> and <c>Limits</c> as here, or lines (docs/access.md). What changes in it counts
    /// without a restart. Default none.
    /// </value>
    public string ApiKeyFile { get; set; } = "";

    /// <value>How often <see cref="ApiKeyFile"/> is looked at for changes, in seconds. Default 10, range 1 to 3,600.</value>
    [Range(1, 3600)]
    public int ApiKeyFileSeconds { get; set; } = 10;

    /// <value>Hashes of keys by the name of who has them. Default none.</value>
    public IDictionary<string, ApiKeyOptions> Keys { get; } = new Dictionary<string, ApiKeyOptions>(StringComparer.OrdinalIgnoreCase);

    /// <value>
    /// Sets of limits by name. <c>default</c> is for whoever names no other, also without a key. Default none: nothing is limited.
    /// </value>
    public IDictionary<string, LimitOptions> Limits { get; } = new Dictionary<string, LimitOptions>(StringComparer.OrdinalIgnoreCase);

    /// <value>Bearer tokens of an OpenID Connect provider, taken beside keys. Default off.</value>
    public OidcOptions Oidc { get; } = new();

    /// <value>How responses are kept for requests to come. Default in memory.</value>
    public ResponseStoreOptions ResponseStore { get; } = new();

    /// <value>
    /// Callers whose limits are kept apart; beyond it those whose limits are whole are forgotten, and what is still too many shares one.
    /// Default 10,000, range 1 to 1,000,000.
    /// </value>
    [Range(1, 1_000_000)]
    public int CallersMax { get; set; } = 10_000;

    /// <value>Callers that metrics name, the rest being <c>other</c>. Default 100, range 0 to 10,000.</value>
    [Range(0, 10_000)]
    public int CallerNamesMax { get; set; } = 100;

    /// <value>Connections of an endpoint at once, beyond it they are closed; 0 is no limit. Default 10,000, range 0 to 1,000,000.</value>
    [Range(0, 1_000_000)]
    public int ConnectionsMax { get; set; } = 10_000;

    /// <value>How long the headers of a request may take, in seconds. Default 30, range 1 to 600.</value>
    [Range(1, 600)]
    public int HeadersSecondsMax { get; set; } = 30;

    /// <value>
    /// Least speed of a request's body in bytes a second, after <see cref="BodyGraceSeconds"/>; 0 is none. Default 240, range 0 to
    /// 1,000,000,000.
    /// </value>
    [Range(0, 1_000_000_000)]
    public int BodyBytesPerSecondMin { get; set; } = 240;

    /// <value>How long a body may be slower than that, in seconds. Default 5, range 1 to 600.</value>
    [Range(1, 600)]
    public int BodyGraceSeconds { get; set; } = 5;

    /// <value>Whether the Gateway listens beyond this machine without a key. Default false.</value>
    public bool AllowAnonymous { get; set; }

    /// <value>
    /// Whether callers with a key may have models fetched from the Hub (<c>/api/pull</c>), where the host keeps models. Default false.
    /// </value>
    public bool AllowPull { get; set; }

    /// <value>
    /// Whether callers with a key may have adapters loaded and unloaded (<c>/v1/load_lora_adapter</c>), where the Generator has a folder of
    /// them (<c>Generator:AdapterDirectory</c>). Default false.
    /// </value>
    public bool AllowAdapterLoading { get; set; }

    /// <value>Adapters whose names become labels of metrics; those beyond are <c>other</c>. Default 64, range 1 to 10,000.</value>
    [Range(1, 10_000)]
    public int AdapterNamesMax { get; set; } = 64;

    /// <value>
    /// Origins whose pages may call the Gateway from a browser, e.g. <c>https://chat.example.com</c>; <c>*</c> is every one. Default none.
    /// </value>
    public IList<string> CorsOrigins { get; } = [];

    /// <value>Answers in flight at once, a request with n choices counting n; beyond it 429. Default 512, range 1 to 100,000.</value>
    [Range(1, 100_000)]
    public int ConcurrentChoicesMax { get; set; } = 512;

    /// <value>Largest n of a request. Default 16, range 1 to 128, at most <see cref="ConcurrentChoicesMax"/>.</value>
    [Range(1, 128)]
    public int ChoicesMax { get; set; } = 16;

    /// <value>Prompts of one completion. Default 64, range 1 to 10,000.</value>
    [Range(1, 10_000)]
    public int PromptsMax { get; set; } = 64;

    /// <value>Tokens of the summary that <c>/v1/responses/compact</c> has written. Default 1,024, range 1 to 1,000,000.</value>
    [Range(1, 1_000_000)]
    public int CompactionTokensMax { get; set; } = 1024;

    /// <value>What happens to a field of an HTTP request that nobody knows. Default Ignore: it is named in a response header.</value>
    [EnumDataType(typeof(UnknownFields))]
    public UnknownFields UnknownFields { get; set; } = UnknownFields.Ignore;

    /// <value>Largest HTTP request body in bytes. Default 8 MiB, range 1 KiB to 1 GiB.</value>
    [Range(1024, 1 << 30)]
    public int BodyBytesMax { get; set; } = 8 * 1024 * 1024;

    /// <value>Messages of a conversation. Default 2,048, range 1 to 1,000,000.</value>
    [Range(1, 1_000_000)]
    public int MessagesMax { get; set; } = 2048;

    /// <value>Characters of all message contents together. Default 4,000,000, range 1 to 500,000,000.</value>
    [Range(1, 500_000_000)]
    public int CharactersMax { get; set; } = 4_000_000;

    /// <value>Roles beyond system, user, assistant and tool that the model's template knows, e.g. <c>ipython</c>. Default none.</value>
    public IList<string> ExtraRoles { get; } = [];

    /// <value>Tools that a request may offer. Default 128, range 0 to 10,000.</value>
    [Range(0, 10_000)]
    public int ToolsMax { get; set; } = 128;

    /// <value>Stop strings of a request. Default 16, range 0 to 1,000.</value>
    [Range(0, 1000)]
    public int StopsMax { get; set; } = 16;

    /// <value>Characters of one stop string. Default 256, range 1 to 100,000.</value>
    [Range(1, 100_000)]
    public int StopCharactersMax { get; set; } = 256;

    /// <value>Largest top_logprobs. Default 20, range 0 to 1,000.</value>
    [Range(0, 1000)]
    public int TopLogprobsMax { get; set; } = 20;

    /// <value>Candidates per step that Inspect may ask for. Default 50, range 0 to 1,000.</value>
    [Range(0, 1000)]
    public int CandidatesMax { get; set; } = 50;

    /// <value>How long an HTTP request may take, in seconds; a gRPC caller sets its own deadline. Default 600, range 1 to 86,400.</value>
    [Range(1, 86_400)]
    public int RequestDurationSecondsMax { get; set; } = 600;

    /// <value>Silence on an event stream before a keep-alive comment, in seconds. Default 10, range 1 to 600.</value>
    [Range(1, 600)]
    public int KeepAliveSeconds { get; set; } = 10;

    /// <value>How long a service may take to describe itself, in seconds. Default 5, range 1 to 600.</value>
    [Range(1, 600)]
    public int DescribeSecondsMax { get; set; } = 5;

    /// <value>How long a description is good for, in seconds. Default 5, range 0 to 3,600.</value>
    [Range(0, 3600)]
    public int DescribeCacheSeconds { get; set; } = 5;

    /// <value>
    /// How often the Generator is asked for its load while metrics are collected, in milliseconds. Default 1,000, range 50 to 60,000.
    /// </value>
    [Range(50, 60_000)]
    public int LoadIntervalMs { get; set; } = 1000;

    /// <value>How often the name of <c>dns:///name:port</c> is looked up, in seconds. Default 5, range 1 to 3,600.</value>
    [Range(1, 3600)]
    public int ResolveSeconds { get; set; } = 5;

    /// <value>
    /// How often an answer may move to another Generator because its own is lost. Default 3, range 0 to 100; 0 is never.
    /// </value>
    [Range(0, 100)]
    public int FailoversMax { get; set; } = 3;

    /// <value>
    /// Second attempts that a request earns for all, so that a fault does not multiply the load; <see cref="ConcurrentChoicesMax"/> of them
    /// are there at the start. Default 0.2, range 0 to 10.
    /// </value>
    [Range(0, 10.0)]
    public double FailoverRatio { get; set; } = 0.2;

    /// <value>
    /// How long an answer that has begun waits for a Generator that goes on with it, where none is there, in seconds: as long as one takes
    /// to start. Default 10, range 0 to 600.
    /// </value>
    [Range(0, 600)]
    public int ResumeWaitSeconds { get; set; } = 10;

    /// <value>
    /// How long a Generator may send nothing before it is asked whether it works, in seconds; if not, the answer moves. Default 10, range 1
    /// to 3,600.
    /// </value>
    [Range(1, 3600)]
    public int GeneratorSilenceSeconds { get; set; } = 10;

    /// <value>Faults in a row after which a Generator gets no requests for a while. Default 3, range 1 to 1,000.</value>
    [Range(1, 1000)]
    public int BreakerFaultsMax { get; set; } = 3;

    /// <value>
    /// The longest such while, in seconds; the first is one second, each further one twice as long. Default 30, range 1 to 3,600.
    /// </value>
    [Range(1, 3600)]
    public int BreakerSecondsMax { get; set; } = 30;

    /// <value>
    /// Blocks of prompts of which the Gateway remembers which Generator has computed them. Default 100,000, range 0 to 10,000,000; 0
    /// chooses by load alone.
    /// </value>
    [Range(0, 10_000_000)]
    public int PrefixBlocksMax { get; set; } = 100_000;

    /// <value>
    /// How much busier than another a Generator may be and still get the prompts that it knows, in lengths of what it knows. Default 2,
    /// range 0 to 1,000.
    /// </value>
    [Range(0, 1000.0)]
    public double PrefixOverloadFactor { get; set; } = 2;

    /// <value>Token batches of one choice on their way through the Tokenizer. Default 32, range 1 to 10,000.</value>
    [Range(1, 10_000)]
    public int BatchesInFlightMax { get; set; } = 32;

    /// <value>
    /// Updates of one request that wait for a slow client; when full, the Generator's stream is no longer read. Default 256, range 1 to
    /// 100,000.
    /// </value>
    [Range(1, 100_000)]
    public int UpdatesBufferedMax { get; set; } = 256;

    /// <value>
    /// Sequences of different requests that share one Detokenize call, so that the tokens of one step travel together. Default 64, range 1
    /// to 65,536; 1 gives each request a call of its own. At most the Tokenizer's <c>SequencesPerStreamMax</c>.
    /// </value>
    [Range(1, 65_536)]
    public int DetokenizeSequencesMax { get; set; } = 64;

    /// <value>
    /// How long a Detokenize call takes in further requests, in seconds: then those that come go to a new one, perhaps of another replica,
    /// and a Tokenizer that drains is soon done. Default 5, range 0 to 3,600.
    /// </value>
    [Range(0, 3600)]
    public int DetokenizeShareSeconds { get; set; } = 5;

    /// <value>
    /// How long a caller may read nothing while an answer waits to be sent, in seconds; then it is given up. Default 30, range 1 to 3,600.
    /// </value>
    [Range(1, 3600)]
    public int SlowReaderSeconds { get; set; } = 30;

    /// <value>What Retry-After and RetryInfo say when the Generator does not, in seconds. Default 1, range 1 to 3,600.</value>
    [Range(1, 3600)]
    public int RetryAfterSeconds { get; set; } = 1;
}
