using System.CommandLine;

namespace Parley.Cli;

/// <summary>Options whose value is the address of a server.</summary>
internal static class AddressOption
{
    /// <summary>An option that takes an http or https URL; null without it.</summary>
    public static Option<Uri?> Create(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "URL",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https")
                return address;
            result.AddError($"{name}: '{text}' is no http or https URL.");
            return null;
        },
    };
}
