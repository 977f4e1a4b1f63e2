namespace Parley.ModelHub.Protocol;

/// <summary>What a branch or tag means at the moment.</summary>
/// <param name="Commit">Forty hexadecimal digits.</param>
/// <param name="Repository">The repository's name as the Hub writes it: one that was renamed answers to its old name, too.</param>
internal sealed record HubRevision(string Commit, string Repository);
