using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Tests.Gguf;

/// <summary>The tiny checkpoints as llama.cpp would store them.</summary>
internal static class GgufCheckpoint
{
    private static readonly (string HuggingFace, string Gguf)[] Modules =
    [
        ("input_layernorm", "attn_norm"), ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"),
        ("self_attn.o_proj", "attn_output"), ("post_attention_layernorm", "ffn_norm"), ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"),
    ];

    /// <summary>A folder with the fixture's small files and its weights as a GGUF file.</summary>
    public static string Write(
        TemporaryFolder folder, string name, bool withConfig, Func<string, GgufType> typeOf, bool rotaryFactors = false,
        bool? head = null, Action<GgufWriter>? more = null, int parts = 1, string target = "source")
    {
        target = Directory.CreateDirectory(folder.File(target)).FullName;
        foreach (var file in Directory.GetFiles(Fixture.Folder(name)).Select(path => Path.GetFileName(path)))
        {
            if (file != "model.safetensors" && (withConfig || file != "config.json"))
                File.Copy(Path.Combine(Fixture.Folder(name), file), Path.Combine(target, file));
        }

        var config = CheckpointReader.ReadConfig(Fixture.Folder(name));
        var shape = config.Shape;
        var writer = GgufWriter.Llama(shape.HiddenSize, shape.QueryHeads, shape.KeyValueHeads, shape.HeadSize);
        writer.Add("llama.block_count", (uint)shape.Layers);
        writer.Add("llama.feed_forward_length", (uint)shape.IntermediateSize);
        writer.Add("llama.context_length", (uint)shape.ContextTokensMax);
        writer.Add("llama.attention.layer_norm_rms_epsilon", config.Norm.Epsilon);
        writer.Add("llama.rope.freq_base", (float)config.Rotary!.Theta);
        if (rotaryFactors)
            writer.Add(GgufNames.RotaryFactors, GgufType.F32, [8], new byte[32]);
        more?.Invoke(writer);
        using var weights = new SafetensorsFile(Path.Combine(Fixture.Folder(name), "model.safetensors"));
        foreach (var tensor in weights.Tensors.Where(tensor => (head ?? true) || tensor.Name != "lm_head.weight"))
        {
            var values = new float[tensor.Elements];
            weights.Read(tensor, 0, values);
            // A head of its own in a checkpoint that has none.
            if (head == true && config.Shape.TiedEmbeddings && tensor.Name == "model.embed_tokens.weight")
                writer.Add("output.weight", typeOf("lm_head.weight"), [.. tensor.Shape], Encode(typeOf("lm_head.weight"), values));
            if (tensor.Name.Contains("q_proj", StringComparison.Ordinal) || tensor.Name.Contains("k_proj", StringComparison.Ordinal))
                values = Interleave(values, (int)tensor.Shape[0], shape.HeadSize);
            var type = typeOf(tensor.Name);
            writer.Add(NameOf(tensor.Name), type, [.. tensor.Shape], Encode(type, values));
        }

        return parts == 1 ? writer.Write(Path.Combine(target, "model.gguf")) : writer.WriteParts(target, parts);
    }

    private static string NameOf(string name)
    {
        foreach (var (huggingFace, gguf) in Modules)
            name = name.Replace(huggingFace, gguf, StringComparison.Ordinal);
        return name.Replace("model.layers", "blk", StringComparison.Ordinal)
            .Replace("model.embed_tokens", "token_embd", StringComparison.Ordinal)
            .Replace("model.norm", "output_norm", StringComparison.Ordinal)
            .Replace("lm_head", "output", StringComparison.Ordinal);
    }

    /// <summary>What llama.cpp's converter does to queries and keys: both halves of a head side by side, pair by pair.</summary>
    private static float[] Interleave(float[] values, int rows, int headSize)
    {
        var (columns, result) = (values.Length / rows, new float[values.Length]);
        for (var row = 0; row < rows; row++)
        {
            var (head, half, pair) = (row / headSize, row % headSize / (headSize / 2), row % (headSize / 2));
            values.AsSpan(row * columns, columns).CopyTo(result.AsSpan(((head * headSize) + (2 * pair) + half) * columns));
        }

        return result;
    }

    /// <summary>Weights as a type stores them; of types that are not rounded to here, blocks of some finite numbers.</summary>
    public static byte[] Encode(GgufType type, float[] values)
    {
        if (type == GgufType.F32)
            return [.. values.SelectMany(BitConverter.GetBytes)];
        if (type == GgufType.Q8_0)
        {
            return [.. values.Chunk(32).SelectMany(weights =>
            {
                var scale = (Half)(weights.Max(MathF.Abs) / 127);
                var codes = weights.Select(weight => (byte)(sbyte)MathF.Round(weight / (float)scale));
                return new List<byte>([.. BitConverter.GetBytes(scale), .. codes]);
            })];
        }

        if (type is not (GgufType.Q4_0 or GgufType.Q4_1))
        {
            // Blocks of any kind whose halves are finite.
            var (count, bytes) = GgufBlocks.SizeOf(type)!.Value;
            return [.. Enumerable.Range(0, values.Length / count * bytes).Select(i => (byte)((i * 37) % 64))];
        }

        return [.. values.Chunk(32).SelectMany(weights =>
        {
            var (low, high) = (weights.Min(), weights.Max());
            var symmetric = type == GgufType.Q4_0;
            var scale = (Half)(symmetric ? weights.MaxBy(MathF.Abs) / -8 : (high - low) / 15);
            var minimum = symmetric ? -8 * (float)scale : (float)(Half)low;
            var codes = weights.Select(weight => (int)Math.Clamp(MathF.Round((weight - minimum) / (float)scale), 0, 15)).ToArray();
            IEnumerable<byte> nibbles = Enumerable.Range(0, 16).Select(i => (byte)(codes[i] | (codes[i + 16] << 4)));
            return symmetric
                ? [.. BitConverter.GetBytes(scale), .. nibbles]
                : new List<byte>([.. BitConverter.GetBytes(scale), .. BitConverter.GetBytes((Half)minimum), .. nibbles]);
        })];
    }
}
