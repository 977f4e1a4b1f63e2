using System.Globalization;
using Parley.Cli.Doctor.Machine;

namespace Parley.Cli.Doctor.Checks;

/// <summary>Whether the Hub can be reached and knows the token, and what its clock says of ours.</summary>
internal static class HubCheck
{
    private const string Name = "hub";
    private const string Clock = "clock";
    private static readonly TimeSpan SkewMax = TimeSpan.FromSeconds(5);

    /// <summary>Beyond it certificates and signed addresses are refused.</summary>
    private static readonly TimeSpan SkewFault = TimeSpan.FromMinutes(5);

    public static IEnumerable<Finding> Of(MachineState state)
    {
        var hub = state.Hub;
        if (hub.SettingsFailure is not null)
        {
            yield return Finding.Fault(Name, hub.SettingsFailure, "correct the variable, or unset it");
            yield break;
        }

        if (hub.Offline)
        {
            yield return Finding.Ok(Name, "offline: no request is made, models come from the cache");
            yield return Finding.Ok(Clock, "not compared: offline");
            yield break;
        }

        if (hub.Answer is not { Status: { } status } answer)
        {
            yield return Finding.Warning(
                Name, $"{hub.Endpoint} cannot be reached: {hub.Answer?.Failure}",
                "look at proxy and firewall, set HF_ENDPOINT to a mirror, or HF_HUB_OFFLINE=1 where models are brought otherwise");
            yield return Finding.Warning(Clock, "not compared: the Hub cannot be reached", "make sure that time is kept (NTP)");
            yield break;
        }

        yield return OfToken(hub, status, answer.Account);
        yield return OfClock(answer.Skew);
    }

    private static Finding OfToken(HubFacts hub, int status, string? account) => (status, hub.HasToken) switch
    {
        (200, true) => Finding.Ok(Name, $"{hub.Endpoint} answers; the token is valid{(account is null ? "" : $" (account {account})")}"),
        (401 or 403, true) => Finding.Fault(
            Name, $"{hub.Endpoint} answers, and does not know the token", "'parley login', or set HF_TOKEN anew: with a wrong token "
                + "even public models are refused"),
        ( >= 500, _) => Finding.Warning(Name, $"{hub.Endpoint} answers {status}", "try again later"),
        (_, true) => Finding.Warning(Name, $"{hub.Endpoint} answers {status}; whether it knows the token is not known",
            "a mirror may not tell; try a pull"),
        _ => Finding.Ok(Name, $"{hub.Endpoint} answers; no token, so public models only"),
    };

    private static Finding OfClock(TimeSpan? skew)
    {
        if (skew is not { } off)
            return Finding.Ok(Clock, "not compared: the Hub did not tell its time");
        var seconds = Math.Abs(off.TotalSeconds).ToString("0.0", CultureInfo.InvariantCulture);
        var fact = $"{seconds} s {(off < TimeSpan.Zero ? "behind" : "ahead of")} the Hub's";
        if (off.Duration() > SkewFault)
            return Finding.Fault(Clock, fact, "set the clock (NTP): certificates and signed addresses are refused so");
        return off.Duration() > SkewMax
            ? Finding.Warning(Clock, fact, "keep the time (NTP): logs and traces do not match so") : Finding.Ok(Clock, fact);
    }
}
