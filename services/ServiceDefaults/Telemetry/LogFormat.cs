namespace Parley.ServiceDefaults.Telemetry;

/// <summary>How the console's log is written.</summary>
public enum LogFormat
{
    /// <summary>For people: one or two lines a message.</summary>
    Text,

    /// <summary>For machines: a JSON object a line, with time, values by name, trace and span.</summary>
    Json,
}
