using Parley.Generator.Sampling;

namespace Parley.Generator.Streaming;

/// <summary>A token on its way to the caller.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Detail">Log-probabilities or trace, where asked for.</param>
internal readonly record struct StreamedToken(uint Id, TokenDetail? Detail);
