namespace Parley.ModelImporter.Architectures;

/// <summary>transformers' names of activations.</summary>
internal static class Activations
{
    private static readonly Dictionary<string, Activation> Known = new(StringComparer.Ordinal)
    {
        ["silu"] = Activation.Silu,
        ["swish"] = Activation.Silu,
        ["gelu_pytorch_tanh"] = Activation.GeluTanh,
        ["gelu_python_tanh"] = Activation.GeluTanh,
        ["gelu_new"] = Activation.GeluTanh,
        ["gelu_accurate"] = Activation.GeluTanh,
        ["gelu_fast"] = Activation.GeluTanh,
        ["gelu"] = Activation.Gelu,
        ["gelu_python"] = Activation.Gelu,
        ["relu"] = Activation.Relu,
        ["relu2"] = Activation.ReluSquared,
    };

    /// <summary>Reads the name of an activation.</summary>
    /// <exception cref="InvalidDataException">It has no implementation here.</exception>
    public static Activation Read(ConfigFile config, string field, string fallback)
    {
        config.RefuseNull(field);
        var name = config.Text(field, fallback);
        return Known.TryGetValue(name, out var activation)
            ? activation : throw config.Unsupported(field, $"\"{name}\"", string.Join(", ", Known.Keys));
    }
}
