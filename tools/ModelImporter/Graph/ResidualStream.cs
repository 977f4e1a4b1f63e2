namespace Parley.ModelImporter.Graph;

/// <summary>The residual stream, with what the last linear adds to it: who reads it next does the addition.</summary>
/// <param name="Value">Value [tokens, hidden].</param>
/// <param name="Update">Value [tokens, hidden] that is still to be added; null before the first layer.</param>
internal sealed record ResidualStream(string Value, string? Update = null);
