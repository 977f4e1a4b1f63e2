using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>AWQ: <c>qweight</c>, <c>qzeros</c> and <c>scales</c>, all by inputs, eight outputs to a word.</summary>
/// <param name="groupSize">What the configuration says of groups; null for whole columns.</param>
internal sealed class AwqForm(int? groupSize) : IStoredForm
{
    private const int Bits = 4;
    private const int PerWord = 8;

    /// <exception cref="InvalidDataException">The weights lie in another order than gemm's, or have other bits.</exception>
    public static AwqForm Of(ConfigFile config)
    {
        foreach (var field in new[] { "version", "format" }.Where(config.Has))
        {
            if (config.Text(field).ToLowerInvariant() is not ("gemm" or "exllama" or "ipex"))
                throw config.Unsupported(field, $"\"{config.Text(field)}\"", "gemm");
        }

        var bits = config.Has("bits") ? "bits" : "w_bit";
        if (config.Int(bits, 1, 32, Bits) is var given && given != Bits)
            throw config.Unsupported(bits, $"{given}", $"{Bits}");
        return new AwqForm(GroupSizes.Read(config, config.Has("group_size") ? "group_size" : "q_group_size"));
    }

    public void Join(CheckpointTensors tensors)
    {
        var panels = new CodePanels();
        foreach (var parts in ModuleParts.With(tensors, "qweight"))
        {
            var words = parts.Take("qweight", "I32", "U32");
            var scales = parts.Take("scales");
            var zeros = parts.Find("qzeros", "I32", "U32");
            if (words.Shape.Count != 2 || scales.Shape.Count != 2)
                throw ModuleParts.Refuse(words, "a matrix, as are the scales");
            var (groups, outputs) = (ModuleParts.Size(scales, scales.Shape[0]), ModuleParts.Size(scales, scales.Shape[1]));
            var columns = ModuleParts.Size(words, words.Shape[0]);
            if (outputs % PerWord != 0)
                throw ModuleParts.Refuse(scales, $"outputs that are a multiple of {PerWord}");
            ModuleParts.Check(words, columns, outputs / PerWord);
            if (zeros is not null)
                ModuleParts.Check(zeros, groups, outputs / PerWord);
            parts.Put(new GroupedSource(
                new AwqCodes(words, new StoredNumbers(scales), zeros, panels), GroupSizes.Even(scales, columns, groups, groupSize),
                new ZeroPointMeaning(Bits), [outputs, columns], "AWQ"));
        }
    }
}
