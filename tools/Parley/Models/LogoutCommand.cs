using System.CommandLine;
using Parley.ModelHub;
using Parley.ModelPackages;

namespace Parley.Cli.Models;

/// <summary><c>parley logout</c>: forgets the token.</summary>
internal static class LogoutCommand
{
    public static Command Create()
    {
        var command = new Command("logout", "Forget the token for the Hugging Face Hub.");
        command.SetAction(_ =>
        {
            using var hub = HubAccess.FromEnvironment();
            Console.Out.WriteLine(HubAccount.LogOut(hub.Settings)
                ? $"Logged out; {hub.Settings.TokenPath} is gone."
                : $"There was no token in {hub.Settings.TokenPath}.");
            if (Environment.GetEnvironmentVariable("HF_TOKEN") is { Length: > 0 })
                Console.Out.WriteLine("HF_TOKEN is set, and is used as long as it is.");
        });
        return command;
    }
}
