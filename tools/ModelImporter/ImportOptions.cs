using Parley.ModelImporter.Calibration;
using Parley.ModelImporter.Quantization;

namespace Parley.ModelImporter;

/// <summary>What to import, where to, and how.</summary>
public sealed record ImportOptions
{
    /// <summary>Digits of a source's hash that tell packages in a cache apart.</summary>
    public const int HashDigits = 16;

    /// <summary>Ids of a calibration text at most: its activations are held in memory.</summary>
    public const int CalibrationTokensMax = 16_384;

    /// <value>
    /// Folder of the checkpoint: config.json, tokenizer.json, *.safetensors or a .gguf; or a .gguf file, the first of several.
    /// </value>
    public required string Source { get; init; }

    /// <value>Folder of the package; its parent is created where missing, itself must not be there.</value>
    public required string Destination { get; init; }

    /// <value>
    /// Whether the folder's name goes on with a hyphen and the first <see cref="HashDigits"/> digits of the source's hash, which is known
    /// when all of it has been read. Default: false.
    /// </value>
    public bool AppendsSourceHash { get; init; }

    /// <value>
    /// LoRA adapters that are merged before anything is rounded, one on top of the other: folders of peft's, or GGUF files of llama.cpp's.
    /// The source's hash takes them in. Default: none.
    /// </value>
    public IReadOnlyList<string> Adapters { get; init; } = [];

    /// <value>
    /// fp32, int8, w8a8 or int4; for CUDA bf16, fp16 or int4-fp16; exported for an export to ONNX as it is. Default: w8a8.
    /// </value>
    public string Precision { get; init; } = "w8a8";

    /// <value>
    /// Served name. Default: <c>org/model</c> for a snapshot of a Hugging Face cache, else the name of the source in lower case.
    /// </value>
    public string? Name { get; init; }

    /// <value>
    /// Longest sequence (prompt and answer) that the package serves; the model's own limit if that is less. Default: 8192; from 1 on.
    /// </value>
    public int ContextTokensMax { get; init; } = 8192;

    /// <value>
    /// Largest number of weights per scale in int8 and int4: 128, 64 or 32. Default: null, which is 32 in int8 and in int4 what
    /// <see cref="Int4Group"/> says. Smaller is more exact and larger on disk.
    /// </value>
    public int? BlockMax { get; init; }

    /// <value>
    /// Weights per scale in int4: 128, 64 or 32, or the largest of them below it that divides a linear's inputs. Default: null, which is
    /// <see cref="BlockMax"/>, else 64 with <see cref="CalibrationIds"/> and 32 without; and 32 for linears that lie on a 4-bit grid of 32
    /// already. A number rounds those again.
    /// </value>
    public int? Int4Group { get; init; }

    /// <value>int4 without a minimum per group, by the rule of Q4_0. Default: false.</value>
    public bool Int4ScaleOnly { get; init; }

    /// <value>
    /// Token ids of a text for which int4 is rounded with error feedback. Default: null, which is plain rounding. Up to
    /// <see cref="CalibrationTokensMax"/>; some 12,000 are enough.
    /// </value>
    public IReadOnlyList<int>? CalibrationIds { get; init; }

    /// <value>
    /// Stores what int4 rounds to as fp32, so that the cost of the weights can be told from that of int8 activations. Default: false.
    /// </value>
    public bool Dequantize { get; init; }

    /// <value>With <see cref="Dequantize"/>: bits of embedding and head, 8, 6 or 4. Default: null, which leaves them as they are.</value>
    public int? HeadBits { get; init; }

    /// <value>
    /// Whose operators compute int4, int8 and the quantised head: <c>own</c> (ai.parley.QuantizedLinear) or <c>ort</c> (MatMulNBits).
    /// Default: own, which is faster and reads less; the other is there to compare with.
    /// </value>
    public string Linears { get; init; } = "own";

    /// <value>
    /// CUDA: paged, or group-query where ONNX Runtime has no PagedAttention. Default: paged, the only one on the CPU.
    /// </value>
    public string Attention { get; init; } = "paged";

    /// <value>
    /// Ids of the vocabulary that a block which predicts further tokens may guess, the first ones: fewer are guessed faster. Default: null,
    /// which is 32,768; from 16 on.
    /// </value>
    public int? DraftVocabulary { get; init; }

    /// <value>Threads at work. Default: -1, as many as there are processors.</value>
    public int Parallelism { get; init; } = -1;

    /// <summary>Refuses values that are out of range.</summary>
    /// <exception cref="ArgumentException">One is; the message names it.</exception>
    internal void Check()
    {
        if (Precision != ModelImport.Exported)
            Quantization.Precision.Check(Precision, Attention);
        else
            RefuseIf(Adapters.Count > 0, nameof(Adapters), "set, and an export that is taken as it is has no place for them");
        ArgumentOutOfRangeException.ThrowIfLessThan(ContextTokensMax, 1);
        RefuseIf(DraftVocabulary < 16, nameof(DraftVocabulary), $"{DraftVocabulary}, less than 16");
        RefuseIf(!ModelImport.Linears.Contains(Linears), nameof(Linears), $"\"{Linears}\", not own or ort");
        RefuseIf(BlockMax is not (null or 128 or 64 or 32), nameof(BlockMax), $"{BlockMax}, not 128, 64 or 32");
        RefuseIf(Int4Group is not (null or 128 or 64 or 32), nameof(Int4Group), $"{Int4Group}, not 128, 64 or 32");
        RefuseIf(Int4ScaleOnly && Precision != "int4", nameof(Int4ScaleOnly), "set, which is for int4");
        RefuseIf(Dequantize && Precision != "int4", nameof(Dequantize), "set, which is for int4");
        RefuseIf(HeadBits is { } bits && !(Dequantize && VocabularyRounding.Bits.Contains(bits)), nameof(HeadBits),
            $"{HeadBits}; it is 8, 6 or 4, and goes with {nameof(Dequantize)}");
        RefuseIf(CalibrationIds is not null && Precision != "int4", nameof(CalibrationIds), "set, which is for int4");
        RefuseIf(CalibrationIds is { Count: < 1 or > CalibrationTokensMax }, nameof(CalibrationIds),
            $"a list of {CalibrationIds?.Count} ids, not of 1 to {CalibrationTokensMax}");
    }

    /// <summary>Whether such a package can have a block that guesses further tokens.</summary>
    internal bool CanDraft =>
        !Dequantize && Quantization.Precision.Create(Precision, BlockMax, linears: Linears, attention: Attention).CanDraft;

    /// <exception cref="ArgumentException">A calibration id is not in the vocabulary.</exception>
    internal Quantization.Precision CreatePrecision(CheckpointReader checkpoint)
    {
        var vocabulary = checkpoint.Config.Shape.VocabularySize;
        RefuseIf(CalibrationIds?.Any(id => id < 0 || id >= vocabulary) ?? false, nameof(CalibrationIds),
            $"a list with an id outside the vocabulary of {vocabulary}");
        var calibrates = CalibrationIds is not null;
        var group = !calibrates ? PlainRounding.DefaultGroup : CalibratedRounding.DefaultGroup;
        var plain = new PlainRounding(
            Int4Group ?? BlockMax ?? group, !Int4ScaleOnly, keepGrids: Int4Group is null, leavesRest: LeavesRest(checkpoint));
        plain.Join(checkpoint.Weights.Mixtures);
        GroupRounding rounding = !calibrates || KeepsAllGrids(checkpoint, plain)
            ? plain
            : new CalibratedRounding(checkpoint, CalibrationIds!, plain);
        return Dequantize
            ? Quantization.Precision.CreateRounded(rounding, HeadBits)
            : Quantization.Precision.Create(Precision, BlockMax, rounding, Linears, Attention);
    }

    /// <summary>A quantised checkpoint's other modules keep 8 bits, unless a text rounds them.</summary>
    internal bool LeavesRest(CheckpointReader checkpoint) => checkpoint.IsQuantized && CalibrationIds is null && checkpoint.HasNibbles();

    /// <summary>Whether no linear is rounded at all, so that there is nothing to calibrate.</summary>
    private static bool KeepsAllGrids(CheckpointReader checkpoint, PlainRounding plain) =>
        checkpoint.Weights.Layers.SelectMany(layer => layer.Rounded).All(
            linear => (plain.KeepsGrids && linear.Parts.All(part => checkpoint.Tensors.GridOf(part.Weight) is not null))
                || plain.FindsGrid(checkpoint.Tensors, linear));

    private static void RefuseIf(bool wrong, string name, string value)
    {
        if (wrong)
            throw new ArgumentException($"{nameof(ImportOptions)}.{name} is {value}.");
    }
}
