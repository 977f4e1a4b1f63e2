using Parley.ModelHub;

namespace Parley.Cli.Doctor.Machine;

/// <summary>The Hub as this machine reaches it. The token itself is nowhere in it.</summary>
/// <param name="Endpoint">Where it is; null where the settings cannot be read.</param>
/// <param name="Offline">Whether requests are forbidden.</param>
/// <param name="HasToken">Whether a token would be sent.</param>
/// <param name="Answer">What it said; null where it was not asked.</param>
/// <param name="SettingsFailure">Why the settings cannot be read.</param>
internal sealed record HubFacts(Uri? Endpoint, bool Offline, bool HasToken, HubAnswer? Answer, string? SettingsFailure);
