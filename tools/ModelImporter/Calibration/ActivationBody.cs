namespace Parley.ModelImporter.Calibration;

/// <summary>Applies an activation to numbers in place.</summary>
internal delegate void ActivationBody(Span<float> values);
