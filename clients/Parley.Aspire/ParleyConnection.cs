using Parley.Client;

namespace Parley.Aspire;

/// <summary>What a connection string says: <c>Endpoint=ADDRESS;Key=KEY;Model=NAME</c>; neither part has a ';'.</summary>
/// <param name="Endpoint">Where gRPC is.</param>
/// <param name="Key">The key; null where none is asked for.</param>
/// <param name="Model">The model's name; null is the one that is served.</param>
internal sealed record ParleyConnection(string Endpoint, string? Key, string? Model)
{
    private static readonly string[] Names = [nameof(Endpoint), nameof(Key), nameof(Model)];

    /// <summary>Reads a connection string, or an address alone; what is wrong is told without the key.</summary>
    /// <param name="text">The connection string.</param>
    /// <param name="name">Its name, for messages.</param>
    /// <exception cref="InvalidOperationException">It is none; the message names it and what is wrong.</exception>
    public static ParleyConnection Parse(string text, string name)
    {
        if (!text.Contains(';', StringComparison.Ordinal) && Uri.TryCreate(text, UriKind.Absolute, out _))
            return new ParleyConnection(text, null, null);
        var parts = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var part in text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var at = part.IndexOf('=', StringComparison.Ordinal);
            var key = at < 0 ? "" : part[..at].TrimEnd();
            if (!Names.Contains(key, StringComparer.OrdinalIgnoreCase))
                throw Fault(name, "has a part that is none of Endpoint=…, Key=… and Model=…");
            if (!parts.TryAdd(key, part[(at + 1)..].TrimStart()))
                throw Fault(name, $"has two parts {key}=…");
        }

        return parts.GetValueOrDefault(nameof(Endpoint)) is { Length: > 0 } endpoint
            ? new ParleyConnection(endpoint, Given(nameof(Key)), Given(nameof(Model)))
            : throw Fault(name, "has no Endpoint=…");

        string? Given(string key) => parts.GetValueOrDefault(key) is { Length: > 0 } value ? value : null;
    }

    /// <summary>Sets what the connection string says.</summary>
    public void Apply(ParleyClientOptions options)
    {
        options.Address = Endpoint;
        if (Key is not null)
            options.ApiKey = Key;
        if (Model is not null)
            options.ModelId = Model;
    }

    private static InvalidOperationException Fault(string name, string what) =>
        new($"The connection string '{name}' {what}; it is e.g. Endpoint=http://localhost:5081;Key=…;Model=….");
}
