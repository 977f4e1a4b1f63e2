namespace Parley.PackageFormat;

/// <summary>The sizes of a decoder's mixtures of experts.</summary>
/// <param name="Experts">Experts of a layer.</param>
/// <param name="Chosen">Experts that a token goes through.</param>
/// <param name="Width">Width of an expert's MLP.</param>
public sealed record MixtureShape(int Experts, int Chosen, int Width);
