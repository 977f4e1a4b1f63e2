namespace Parley.ModelImporter.Architectures;

/// <summary>The function between the linears of an MLP.</summary>
internal enum Activation
{
    /// <summary>x · sigmoid(x).</summary>
    Silu,

    /// <summary>GELU by its approximation with tanh.</summary>
    GeluTanh,

    /// <summary>GELU by the error function.</summary>
    Gelu,

    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>The square of max(x, 0).</summary>
    ReluSquared,

    /// <summary>Apertus's, with two learnt numbers per layer.</summary>
    XIelu,
}
