namespace Parley.Aspire;

/// <summary>
/// Settings of a client that an Aspire app host connects: configuration section <c>Aspire:Parley:Client</c>, and below it one of the
/// connection's name, which wins. The same sections may hold what <see cref="Client.ParleyClientOptions"/> has.
/// </summary>
public sealed class ParleyAspireSettings
{
    /// <value>
    /// <c>Endpoint=ADDRESS;Key=KEY;Model=NAME</c>, of which the last two may be missing, or an address alone. Default the connection string
    /// of the name, which the app host gives.
    /// </value>
    public string? ConnectionString { get; set; }

    /// <value>Whether the server's health is left out of the program's. Default false.</value>
    public bool DisableHealthChecks { get; set; }

    /// <value>Whether no spans of chats are made. Default false.</value>
    public bool DisableTracing { get; set; }

    /// <value>Whether no figures of chats are kept. Default false.</value>
    public bool DisableMetrics { get; set; }

    /// <value>
    /// Whether spans carry the messages of chats and their answers. Default what <c>OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT</c>
    /// says, which Aspire sets while one develops; else false.
    /// </value>
    public bool? EnableSensitiveTelemetryData { get; set; }
}
