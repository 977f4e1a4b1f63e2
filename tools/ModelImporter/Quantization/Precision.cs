namespace Parley.ModelImporter.Quantization;

/// <summary>A precision by its name, and the formats that it stands for. Good for one graph.</summary>
internal sealed record Precision(string Name, LinearFormat Linears, VocabularyFormat Vocabulary)
{
    /// <summary>All names, most exact first.</summary>
    public static IReadOnlyList<string> Names { get; } = ["fp32", "int8", "w8a8", "int4"];

    /// <summary>Looks a precision up.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="blockMax">Largest number of weights per scale: 128, 64 or 32.</param>
    /// <param name="rounding">How int4 finds its codes; plainly without one.</param>
    /// <param name="linears">Whose operators compute quantised linears, where there is a choice:
    /// <c>own</c>, or <c>ort</c> for ONNX Runtime's.</param>
    /// <exception cref="ArgumentException">There is none of this name.</exception>
    public static Precision Create(string name, int blockMax = 128, GroupRounding? rounding = null, string linears = "own")
    {
        var own = linears != "ort";
        rounding ??= new PlainRounding(blockMax);
        VocabularyFormat vocabulary = own ? new Int8Vocabulary(blockMax) : new OrtInt8Vocabulary(blockMax);
        return name switch
        {
            "fp32" => new Precision(name, new Float32Format(), new Float32Vocabulary()),
            "w8a8" => new Precision(name, new DynamicInt8Format(), vocabulary),
            "int8" => new Precision(name, own ? new Int8Format(blockMax) : new OrtInt8Format(blockMax), vocabulary),
            "int4" => new Precision(name, own ? new Int4Format(rounding) : new OrtInt4Format(rounding), vocabulary),
            _ => throw new ArgumentException($"The precision \"{name}\" is none of {string.Join(", ", Names)}.", nameof(name)),
        };
    }

    /// <summary>fp32 of weights that were rounded before, to see what rounding alone costs.</summary>
    /// <param name="rounding">Rounds the linears to 4 bits.</param>
    /// <param name="headBits">Bits of embedding and head; null leaves them as they are.</param>
    public static Precision CreateRounded(GroupRounding rounding, int? headBits) =>
        new("fp32", new Float32Format(rounding), new Float32Vocabulary(headBits));

    /// <summary>Refuses a name that is no precision.</summary>
    public static void Check(string name) => _ = Create(name);
}
