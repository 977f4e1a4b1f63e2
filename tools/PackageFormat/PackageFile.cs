namespace Parley.PackageFormat;

/// <summary>A file of a package, as its manifest records it.</summary>
/// <param name="Bytes">Length in bytes.</param>
/// <param name="Sha256">SHA-256, lower-case hexadecimal.</param>
public sealed record PackageFile(long Bytes, string Sha256);
