namespace Parley.Generator.Sequences;

/// <summary>A temperature that follows the entropy.</summary>
/// <param name="Range">How far it goes from the request's temperature; above 0.</param>
/// <param name="Exponent">Of the entropy's part of its largest value.</param>
internal sealed record DynamicTemperatureSettings(float Range, float Exponent);
