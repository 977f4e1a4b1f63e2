namespace Parley.ModelPackages;

/// <summary>What reading a source costs time to find.</summary>
/// <param name="Hash">Of its contents, in hexadecimal.</param>
/// <param name="Precision">In which it is served where nobody says otherwise.</param>
internal sealed record SourceFacts(string Hash, string Precision);
