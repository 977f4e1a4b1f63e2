using Xunit.v3;

namespace Parley.TestSupport;

/// <summary>What a test shows of a client: its row of docs/clients.md, and the columns; traits as well.</summary>
/// <param name="client">The row.</param>
/// <param name="features">Of <see cref="ClientTable.Features"/>.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class ClientTestAttribute(string client, params string[] features) : Attribute, ITraitAttribute
{
    public string Client { get; } = client;

    public IReadOnlyList<string> Features { get; } = features;

    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() =>
        [new("client", Client), .. Features.Select(feature => new KeyValuePair<string, string>("feature", feature))];
}
