using Parley.Client;

namespace Parley.Embedded;

/// <summary>Settings of a <see cref="ParleyChatClient"/> that serves its model in this process.</summary>
public sealed class ParleyEmbeddedOptions
{
    /// <value>
    /// The model: a name on the Hugging Face Hub (<c>org/model[@revision][:VARIANT]</c>), or the path of a Hugging Face folder, a
    /// <c>.gguf</c> file or a package of Parley. It has no default.
    /// </value>
    public string Model { get; set; } = "";

    /// <value>
    /// Precision to import to, e.g. <c>int4</c>, <c>int8</c> or <c>fp32</c>. Default none: <c>int4</c> where the weights lie on a 4-bit
    /// grid, which loses nothing, else <c>int8</c>. A package has its own.
    /// </value>
    public string? Precision { get; set; }

    /// <value>Positions to serve, prompt and answer together, in tokens. Default 0: the importer's. Range 0 to 16,777,216.</value>
    public int ContextTokens { get; set; }

    /// <value>Threads that compute. Default 0: one per physical core. Range 0 to 1024.</value>
    public int Threads { get; set; }

    /// <value>
    /// Folder of what is imported. Default none: that of the <c>parley</c> command, <c>parley</c> in the folder of caches.
    /// </value>
    public string? CacheFolder { get; set; }

    /// <value>
    /// Further settings of the services by name, e.g. <c>Generator:RunningSequencesMax</c>; of the sections <c>Tokenizer</c>,
    /// <c>Generator</c>, <c>Gateway</c> and <c>Telemetry</c>, and <c>Parley:ShutdownSeconds</c>. Default none.
    /// </value>
    public IDictionary<string, string?> Settings { get; } = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);

    /// <value>
    /// Time for a whole answer, once the model is there. Default 10 minutes, range above 0 to 24 hours, or
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> for no limit.
    /// </value>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <value>What happens to additional properties of unknown names. Default <see cref="UnknownProperties.Ignore"/>.</value>
    public UnknownProperties UnknownProperties { get; set; }

    /// <value>
    /// Hears how far a download or an import is, where it happens: on any thread, and it should return at once. Default none.
    /// </value>
    public IProgress<ParleyProgress>? Progress { get; set; }
}
