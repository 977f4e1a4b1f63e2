using System.CommandLine;

namespace Parley.Cli;

/// <summary>The key of a Gateway: an option, or a variable, which keeps it out of the list of processes.</summary>
internal sealed class ApiKeyOption(string description, string? ownVariable = null)
{
    private const string Variable = "PARLEY_API_KEY";

    public Option<string?> Option { get; } = new("--api-key")
    {
        Description = $"{description}; the variable {ownVariable ?? Variable} keeps it out of the list of processes.",
        HelpName = "KEY",
    };

    /// <summary>The key; null where none is given.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="isOurs">Whether it goes to a Parley: the variable of its keys is for no other server.</param>
    /// <exception cref="UserErrorException">The option is there and empty.</exception>
    public string? Read(ParseResult result, bool isOurs = true)
    {
        if (result.GetValue(Option) is { } key)
            return key.Length > 0 ? key : throw new UserErrorException($"{Option.Name} is empty.");
        return (ownVariable is null ? null : FromEnvironment(ownVariable)) ?? (isOurs ? FromEnvironment(Variable) : null);
    }

    private static string? FromEnvironment(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } key ? key : null;
}
