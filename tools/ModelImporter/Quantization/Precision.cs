using Parley.PackageFormat;


namespace Parley.ModelImporter.Quantization;

/// <summary>A precision by its name, and the formats that it stands for. Good for one graph.</summary>
internal sealed record Precision(string Name, LinearFormat Linears, VocabularyFormat Vocabulary)
{
    /// <summary>Names of the CPU's precisions, most exact first.</summary>
    public static IReadOnlyList<string> Names { get; } = ["fp32", "int8", "w8a8", "int4"];

    private const int Int8Block = 32;
    private const int OtherBlock = 128;

    /// <summary>Names of the precisions for CUDA.</summary>
    public static IReadOnlyList<string> CudaNames { get; } = ["bf16", "fp16", "int4-fp16"];

    /// <summary>The device where it is not the CPU.</summary>
    public GraphTarget? Target { get; private init; }

    /// <summary>How int4 finds its codes; null for other precisions.</summary>
    public GroupRounding? Rounding { get; private init; }

    /// <summary>How small linears are stored whose rounding would be felt for long: in 8 bits where the others have 4.</summary>
    public LinearFormat Fine { get; private init; } = Linears;

    /// <summary>Whether a package of it can have a block that guesses further tokens: on the CPU, by our own operators.</summary>
    public bool CanDraft { get; private init; }

    /// <summary>Type of activations, norms and biases.</summary>
    public ElementType Activations { get; private init; } = ElementType.Float32;

    /// <summary>Looks a precision up.</summary>
    /// <param name="name">One of <see cref="Names"/> or <see cref="CudaNames"/>; or the rehearsal of one, fp32 on the CPU in the shape of
    /// a CUDA graph: <c>rehearsal</c>, <c>int4-rehearsal</c>.</param>
    /// <param name="blockMax">Largest number of weights per scale in int8 and the vocabulary: 128, 64 or 32. Default: null, which is 32 in
    /// int8 (docs/decisions/0006-up-keeps-4-bit-grids.md) and else 128.</param>
    /// <param name="rounding">How int4 finds its codes; plainly without one.</param>
    /// <param name="linears">Whose operators compute quantised linears on the CPU, where there is a choice:
    /// <c>own</c>, or <c>ort</c> for ONNX Runtime's.</param>
    /// <param name="attention"><see cref="GraphTarget.Paged"/>, or for CUDA <see cref="GraphTarget.GroupQuery"/>.</param>
    /// <exception cref="ArgumentException">There is none of this name.</exception>
    public static Precision Create(
        string name, int? blockMax = null, GroupRounding? rounding = null, string linears = "own",
        string attention = GraphTarget.Paged)
    {
        var type = name switch
        {
            "bf16" => ElementType.BFloat16,
            "fp16" or "int4-fp16" => ElementType.Float16,
            "rehearsal" or "int4-rehearsal" => ElementType.Float32,
            _ => null,
        };
        if (attention is not (GraphTarget.Paged or GraphTarget.GroupQuery) || (type is null && attention != GraphTarget.Paged))
        {
            throw new ArgumentException(
                $"The attention \"{attention}\" is not to be had with the precision \"{name}\".", nameof(attention));
        }

        var block = blockMax ?? (name == "int8" ? Int8Block : OtherBlock);
        return type is null
            ? CreateForCpu(name, block, rounding ?? new PlainRounding(PlainRounding.DefaultGroup), linears != "ort")
            : CreateForCuda(name, block, attention, type);
    }

    private static Precision CreateForCuda(string name, int blockMax, string attention, ElementType type)
    {
        const int exact = BlockLayout.ActivationsAsTheyAre;
        var device = name.EndsWith("rehearsal", StringComparison.Ordinal) ? GraphTarget.Rehearsal : GraphTarget.Cuda;
        var precision = name.StartsWith("int4", StringComparison.Ordinal)
            ? new Precision(name, new Int4ZeroPointFormat(blockMax), new OrtInt8Vocabulary(blockMax, exact))
            : new Precision(name, new DenseFormat(type), new DenseVocabulary(type));
        return precision with
        {
            Activations = type,
            Target = new GraphTarget(device, type.Name, attention, GraphTarget.CandidatesDefault),
        };
    }

    private static Precision CreateForCpu(string name, int blockMax, GroupRounding rounding, bool own)
    {
        var offsets = new OrtOffsets();
        VocabularyFormat vocabulary = own
            ? new PackedVocabulary(blockMax, keepsNibbles: name == "int4" && rounding.KeepsGrids)
            : new OrtInt8Vocabulary(blockMax, kept: new Int8Format(blockMax, Int8Format.KeepsInOrtVocabulary));
        var (bytes, nibbles) = (new Int8Format(blockMax), new Int4Format(rounding));
        return name switch
        {
            "fp32" => new Precision(name, new Float32Format(), new Float32Vocabulary()) { CanDraft = true },
            "w8a8" => new Precision(name, new DynamicInt8Format(), vocabulary) { CanDraft = own },
            "int8" => new Precision(
                name, own ? bytes : new OrtPackedFormat(bytes, new OrtInt8Format(blockMax), offsets), vocabulary)
            {
                CanDraft = own,
            },
            "int4" => new Precision(
                name, own ? nibbles : new OrtPackedFormat(nibbles, new OrtInt4Format(rounding, offsets), offsets), vocabulary)
            {
                Rounding = rounding,
                CanDraft = own,
                Fine = own ? bytes : new OrtPackedFormat(bytes, new OrtInt8Format(blockMax), offsets),
            },
            _ => throw new ArgumentException(
                $"The precision \"{name}\" is none of {string.Join(", ", Names)}, {string.Join(", ", CudaNames)}.", nameof(name)),
        };
    }

    /// <summary>fp32 of weights that were rounded before, to see what rounding alone costs.</summary>
    /// <param name="rounding">Rounds the linears to 4 bits.</param>
    /// <param name="headBits">Bits of embedding and head; null leaves them as they are.</param>
    public static Precision CreateRounded(GroupRounding rounding, int? headBits) =>
        new("fp32", new Float32Format(new Int4Format(rounding)), new Float32Vocabulary(headBits)) { Fine = new Float32Format() };

    /// <summary>Refuses a name that is no precision, and an attention that it cannot have.</summary>
    public static void Check(string name, string attention = GraphTarget.Paged) => _ = Create(name, attention: attention);
}
