namespace Parley.Client;

/// <summary>One thing that is wrong with a request.</summary>
/// <param name="Field">
/// The field at fault: as the contract names it where the server found it, e.g. <c>sampling.temperature</c>; as the caller wrote it where
/// the client did, e.g. <c>ChatOptions.ToolMode</c> or <c>messages[1].Contents[0]</c>.
/// </param>
/// <param name="Description">What is wrong, e.g. <c>must be between 0 and 100 (it is -1)</c>.</param>
public sealed record ParleyViolation(string Field, string Description);
