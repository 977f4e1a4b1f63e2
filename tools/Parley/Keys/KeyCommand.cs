using System.CommandLine;
using Parley.Cli.Hosting;
using Parley.Gateway.Access;

namespace Parley.Cli.Keys;

/// <summary>
/// <c>parley key</c>: makes keys of a Gateway. A key is printed once, for the caller; what the Gateway is given is its hash. Neither is
/// kept or logged here.
/// </summary>
internal static class KeyCommand
{
    public static Command Create()
    {
        var command = new Command("key", "Keys of a Gateway: made here, given to it as hashes.");
        command.Subcommands.Add(CreateNew());
        command.Subcommands.Add(CreateHash());
        return command;
    }

    private static Command CreateNew()
    {
        var (name, limits) = Inputs();
        var command = new Command("new", "Print a new key, once, and the line that the file of keys takes.") { name, limits };
        command.SetAction((result, _) =>
            WriteAsync(KeyHash.NewKey(), isNew: true, result.GetRequiredValue(name), result.GetValue(limits)));
        return command;
    }

    private static Command CreateHash()
    {
        var (name, limits) = Inputs();
        var command = new Command("hash", "Print the line of a key that there is; the key is read from standard input.") { name, limits };
        command.SetAction(async (result, _) =>
        {
            using var termination = new Termination();
            var key = (await Console.In.ReadLineAsync(termination.Token))?.Trim() ?? "";
            if (key.Length == 0)
                throw new UserErrorException("Standard input holds no key in its first line.");
            if (KeyHash.Fault(key) is { } fault)
                throw new UserErrorException($"The key {fault}.");
            return await WriteAsync(key, isNew: false, result.GetRequiredValue(name), result.GetValue(limits));
        });
        return command;
    }

    private static (Argument<string> Name, Option<string?> Limits) Inputs() => (
        new Argument<string>("name") { Description = "Who has it: the name in limits, metrics and log." },
        new Option<string?>("--limits") { Description = "Set of limits (Gateway:Limits:SET); else the default one.", HelpName = "SET" });

    private static async Task<int> WriteAsync(string key, bool isNew, string name, string? limits)
    {
        if (KeyHash.NameFault(name) is { } fault)
            throw new UserErrorException($"'{name}' {fault}.");
        if (limits is not null && limits.Any(char.IsWhiteSpace))
            throw new UserErrorException($"--limits '{limits}' holds a blank; it is one name.");
        var line = $"{name} {KeyHash.Of(key)}{(string.IsNullOrEmpty(limits) ? "" : " " + limits)}";
        if (isNew)
            await Console.Out.WriteLineAsync(key);
        await Console.Out.WriteLineAsync(line);
        if (isNew)
        {
            await Console.Error.WriteLineAsync(
                "The first line is the key, for its caller: it is not shown again. The second is for the file of keys (--api-key-file, "
                + $"Gateway:ApiKeyFile); as a setting it is Gateway__Keys__{name}__Hash={KeyHash.Of(key)}");
        }

        return 0;
    }
}
