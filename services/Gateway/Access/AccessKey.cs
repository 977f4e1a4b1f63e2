namespace Parley.Gateway.Access;

/// <summary>A key that is taken: whose it is, its SHA-256, and the name of its set of limits (empty is the default one).</summary>
internal sealed record AccessKey(string Name, byte[] Hash, string LimitsName);
