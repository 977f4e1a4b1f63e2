namespace Parley.Generator.Guidance;

/// <summary>No room for one more guide: as many as may be kept are being compiled.</summary>
/// <param name="guides">How many.</param>
internal sealed class GuideOverloadException(int guides) : Exception($"{guides} guides are being compiled, as many as may be at once.");
