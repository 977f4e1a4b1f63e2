using OpenTelemetry;

namespace Parley.ServiceDefaults.Telemetry;

/// <summary>Calls that are no request's: what services ask each other whether or not anybody chats.</summary>
public static class Untraced
{
    /// <summary>Until it is disposed, calls of this flow make no spans; costs nothing where there are no traces.</summary>
    public static IDisposable Begin() => SuppressInstrumentationScope.Begin();
}
