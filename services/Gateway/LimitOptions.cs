using System.ComponentModel.DataAnnotations;

namespace Parley.Gateway;

/// <summary>What one caller may use; two with the same values are the same.</summary>
public sealed record LimitOptions
{
    /// <summary>The set of whoever names no other.</summary>
    public const string DefaultName = "default";

    /// <value>Requests a minute, saved up to one minute's worth; 0 is no limit. Default 0, range 0 to 10,000,000.</value>
    [Range(0, 10_000_000)]
    public int RequestsPerMinute { get; set; }

    /// <value>
    /// Tokens a minute, of prompts and answers together, saved up to one minute's worth; 0 is no limit. Default 0, range 0 to
    /// 1,000,000,000.
    /// </value>
    [Range(0, 1_000_000_000)]
    public int TokensPerMinute { get; set; }

    /// <value>Answers in flight at once, a request with n choices counting n; 0 is no limit. Default 0, range 0 to 100,000.</value>
    [Range(0, 100_000)]
    public int ConcurrentChoicesMax { get; set; }

    /// <value>Served names that may be asked for, after commas. Default empty: all.</value>
    public string Models { get; set; } = "";

    /// <value>
    /// Class in the Generator's queue, higher is served earlier; a request of its own may only ask for less. Default none: what the request
    /// says, else 0. Range -100 to 100.
    /// </value>
    [Range(-100, 100)]
    public int? Priority { get; set; }

    /// <value>Bytes of a request's body; 0 is the Gateway's own limit. Default 0, range 0 to 1 GiB.</value>
    [Range(0, 1 << 30)]
    public int BodyBytesMax { get; set; }

    /// <value>Messages of a conversation; 0 is the Gateway's own limit. Default 0, range 0 to 1,000,000.</value>
    [Range(0, 1_000_000)]
    public int MessagesMax { get; set; }

    /// <value>Tokens of a prompt with its answer; 0 is the model's context. Default 0, range 0 to 100,000,000.</value>
    [Range(0, 100_000_000)]
    public int ContextTokensMax { get; set; }
}
