using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>GPTQ: <c>qweight</c>, <c>qzeros</c>, <c>scales</c> and, where columns were sorted, <c>g_idx</c>.</summary>
/// <param name="isLessOne">Whether zero points are stored less one, as in the first version of the format.</param>
/// <param name="groupSize">What the configuration says of groups; null for whole columns.</param>
internal sealed class GptqForm(bool isLessOne, int? groupSize) : IStoredForm
{
    private const int WordBits = 32;

    private static readonly int[] Widths = [2, 3, 4, 8];

    /// <exception cref="InvalidDataException">The weights lie in a kernel's own order.</exception>
    public static GptqForm Of(ConfigFile config)
    {
        var field = config.Has("checkpoint_format") ? "checkpoint_format" : "format";
        var format = config.Text(field, "gptq");
        if (format is not ("gptq" or "gptq_v2"))
            throw config.Unsupported(field, $"\"{format}\"", "gptq, gptq_v2");
        if (config.Has("is_marlin_format") && config.Bool("is_marlin_format", false))
            throw config.Unsupported("is_marlin_format", "true", "gptq, gptq_v2");
        return new GptqForm(format == "gptq", GroupSizes.Read(config, "group_size"));
    }

    public void Join(CheckpointTensors tensors)
    {
        var panels = new CodePanels();
        foreach (var parts in ModuleParts.With(tensors, "qweight"))
        {
            var words = parts.Take("qweight", "I32", "U32");
            var scales = parts.Take("scales");
            var zeros = parts.Take("qzeros", "I32", "U32");
            if (words.Shape.Count != 2 || scales.Shape.Count != 2 || zeros.Shape.Count != 2)
                throw ModuleParts.Refuse(words, "a matrix, as are scales and zero points");
            var (groups, outputs) = (ModuleParts.Size(scales, scales.Shape[0]), ModuleParts.Size(scales, scales.Shape[1]));
            var bits = Widths.FirstOrDefault(width => zeros.Shape[1] * WordBits == (long)outputs * width);
            if (bits == 0)
                throw ModuleParts.Refuse(zeros, $"[{groups}, {outputs} · bits / 32] for 2, 3, 4 or 8 bits");
            ModuleParts.Check(zeros, groups, zeros.Shape[1]);
            ModuleParts.Check(words, words.Shape[0], outputs);
            if (words.Shape[0] < 1 || words.Shape[0] * WordBits % bits != 0)
                throw ModuleParts.Refuse(words, $"words of whole codes of {bits} bits");
            var columns = ModuleParts.Size(words, words.Shape[0] * WordBits / bits);
            var order = parts.Find("g_idx", "I32");
            var listed = order is null ? null : GroupList.Read(order, columns, groups);
            parts.Put(new GroupedSource(
                new GptqCodes(words, new StoredNumbers(scales), zeros, panels, bits, isLessOne),
                listed ?? GroupSizes.Even(scales, columns, groups, groupSize), new ZeroPointMeaning(bits), [outputs, columns],
                $"GPTQ-{bits}"));
        }
    }

    /// <remarks>Old files have a bias of zeros for each linear, whether the model has one or not.</remarks>
    public void Drop(CheckpointTensors tensors, IReadOnlySet<string> known)
    {
        var others = tensors.Names.Where(name => name.EndsWith(".bias", StringComparison.Ordinal) && !known.Contains(name));
        foreach (var name in others.ToArray())
        {
            if (tensors.Source(name) is not { Shape: [> 0 and <= 1 << 20 and var size] } source)
                continue;
            var values = new float[size];
            source.Check();
            source.Read(null, 0, values);
            if (!values.AsSpan().ContainsAnyExcept(0f))
                tensors.Remove(name);
        }
    }
}
