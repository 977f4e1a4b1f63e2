namespace Parley.ModelImporter.Architectures;

/// <summary>Ways of stretching rotary positions to a longer context.</summary>
internal enum RotaryScaling
{
    None,

    /// <summary>All frequencies divided by the factor.</summary>
    Linear,

    /// <summary>Long wavelengths divided by the factor, short ones kept, a ramp between.</summary>
    Llama3,
}
