namespace Parley.ModelImporter.Architectures;

/// <summary>Ways of stretching rotary positions to a longer context.</summary>
internal enum RotaryScaling
{
    None,

    /// <summary>All frequencies divided by the factor.</summary>
    Linear,

    /// <summary>Long wavelengths divided by the factor, short ones kept, a ramp between.</summary>
    Llama3,

    /// <summary>Fast pairs kept, slow ones divided by the factor, a ramp between; cosines and sines scaled.</summary>
    Yarn,

    /// <summary>Each pair divided by a factor of its own, one set for short texts and one for long; cosines and sines scaled.</summary>
    LongRope,

    /// <summary>A larger base for prompts that are longer than the model's context.</summary>
    Dynamic,
}
