namespace Parley.Gateway.Upstream;

/// <summary>An adapter that the Generator serves beside its model, by a name of its own.</summary>
/// <param name="Name">What requests give as their model.</param>
/// <param name="Sha256">Hash of its package's manifest.</param>
internal sealed record AdapterDescription(string Name, string Sha256);
