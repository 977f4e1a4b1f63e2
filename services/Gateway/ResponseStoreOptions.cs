using System.ComponentModel.DataAnnotations;

namespace Parley.Gateway;

/// <summary>How responses of <c>/v1/responses</c> are kept for requests to come.</summary>
public sealed class ResponseStoreOptions
{
    /// <value>
    /// Bytes that this process keeps, the longest unused going first; 0 keeps none, wherever they would be kept. Default 64 MiB, range 0 to
    /// 64 GiB.
    /// </value>
    [Range(0L, 1L << 36)]
    public long BytesMax { get; set; } = 64L << 20;

    /// <value>Bytes of one response with its conversation; a larger one is not kept. Default 4 MiB, range 1 KiB to 1 GiB.</value>
    [Range(1024, 1 << 30)]
    public int EntryBytesMax { get; set; } = 4 << 20;

    /// <value>How long a response is kept since it was last used, in minutes. Default 1,440, range 1 to 525,600.</value>
    [Range(1, 525_600)]
    public int Minutes { get; set; } = 1440;

    /// <value>
    /// Address of a Redis that several Gateways share, with what StackExchange.Redis takes behind it: <c>redis:6379,password=…</c>. Default
    /// none: each keeps its own in memory.
    /// </value>
    public string Redis { get; set; } = "";
}
