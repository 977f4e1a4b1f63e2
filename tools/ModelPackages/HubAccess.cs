using Parley.ModelHub;

namespace Parley.ModelPackages;

/// <summary>The Hub as this machine's environment names it, and the connections to it.</summary>
internal sealed class HubAccess : IDisposable
{
    private HubAccess(HubSettings settings) => (Settings, Http) = (settings, ModelPull.CreateHttp(settings));

    public HubSettings Settings { get; }

    public HttpMessageInvoker Http { get; }

    /// <exception cref="HubException">A variable cannot be used; the message names it.</exception>
    public static HubAccess FromEnvironment() => From(Environment.GetEnvironmentVariable);

    /// <exception cref="HubException">A variable cannot be used; the message names it.</exception>
    public static HubAccess From(Func<string, string?> variables) => new(HubSettings.FromEnvironment(variables));

    public void Dispose() => Http.Dispose();
}
