using System.Text.Json;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Tests.Adapters;

/// <summary>Adapters as llama.cpp's converter writes them.</summary>
internal static class GgufAdapterFolder
{
    private static readonly (string HuggingFace, string Gguf)[] Modules =
    [
        ("base_model.model.model.layers.", "blk."), ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"), ("self_attn.o_proj", "attn_output"), ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"), ("lora_A.weight", "weight.lora_a"), ("lora_B.weight", "weight.lora_b"),
    ];

    /// <summary>A writer with the metadata of an adapter of Llama.</summary>
    public static GgufWriter Create(float alpha)
    {
        var writer = new GgufWriter();
        writer.Add("general.type", "adapter");
        writer.Add("general.architecture", "llama");
        writer.Add("adapter.type", "lora");
        writer.Add("adapter.lora.alpha", alpha);
        return writer;
    }

    /// <summary>An adapter of peft's in llama.cpp's form: its names, and the rows of queries and keys in its order.</summary>
    public static string Convert(TemporaryFolder folder, string adapter, int headSize)
    {
        using var config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(adapter, "adapter_config.json")));
        var (alpha, rank) = (config.RootElement.GetProperty("lora_alpha").GetDouble(), config.RootElement.GetProperty("r").GetInt32());
        // llama.cpp divides by the rank, whatever peft did.
        var writer = Create((float)(config.RootElement.GetProperty("use_rslora").GetBoolean() ? alpha * Math.Sqrt(rank) : alpha));
        using var file = new SafetensorsFile(Path.Combine(adapter, "adapter_model.safetensors"));
        foreach (var tensor in file.Tensors)
        {
            var values = new float[tensor.Elements];
            file.Read(tensor, 0, values);
            var name = Modules.Aggregate(tensor.Name, (one, pair) => one.Replace(pair.HuggingFace, pair.Gguf, StringComparison.Ordinal));
            if (name.EndsWith("attn_q.weight.lora_b", StringComparison.Ordinal)
                || name.EndsWith("attn_k.weight.lora_b", StringComparison.Ordinal))
                values = Interleave(values, (int)tensor.Shape[1], headSize);
            Add(writer, name, [.. tensor.Shape], values);
        }

        return writer.Write(folder.File("adapter.gguf"));
    }

    public static void Add(GgufWriter writer, string name, long[] shape, float[] values) =>
        writer.Add(name, 0, shape, [.. values.SelectMany(BitConverter.GetBytes)]);

    /// <summary>Both halves of a head side by side, pair by pair.</summary>
    private static float[] Interleave(float[] values, int columns, int headSize) =>
    [
        .. values.Chunk(columns).Chunk(headSize).SelectMany(head =>
            head.Take(headSize / 2).Zip(head.Skip(headSize / 2), (one, other) => one.Concat(other)).SelectMany(pair => pair)),
    ];
}
