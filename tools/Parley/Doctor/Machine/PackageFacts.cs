using Parley.Cli.Sizing;

namespace Parley.Cli.Doctor.Machine;

/// <summary>The model that is to be served, as far as it is on this machine.</summary>
/// <param name="Named">As it was called.</param>
/// <param name="Path">Its folder or file; null where it is not here.</param>
/// <param name="IsPackage">Whether it is a package, or a checkpoint that would be imported first.</param>
/// <param name="Importer">Version of the importer that made it.</param>
/// <param name="Made">When it was made.</param>
/// <param name="Size">What decides its memory; null where it could not be read.</param>
/// <param name="Bytes">Length of all its files.</param>
/// <param name="Failure">Why it cannot be served; null where it can.</param>
internal sealed record PackageFacts(
    string Named, string? Path, bool IsPackage, string? Importer, DateTimeOffset? Made, ModelSize? Size, long Bytes, string? Failure);
