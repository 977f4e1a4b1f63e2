using System.Buffers.Binary;
using System.Text.Json;

namespace Parley.TestSupport.Gguf;

/// <summary>The demo model as llama.cpp's converter would write it: its weights, and what its small files say as metadata.</summary>
public static class DemoGguf
{
    private const uint BFloat16 = 30;
    private const int HeadSize = 64;

    private static readonly (string HuggingFace, string Gguf)[] Modules =
    [
        ("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("model.layers", "blk"), ("input_layernorm", "attn_norm"),
        ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"), ("self_attn.o_proj", "attn_output"),
        ("post_attention_layernorm", "ffn_norm"), ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"),
    ];

    /// <summary>The file, to be changed before it is written.</summary>
    public static GgufWriter Create()
    {
        var writer = GgufWriter.Llama(256, 4, 2, HeadSize);
        writer.Add("llama.block_count", 4u);
        writer.Add("llama.feed_forward_length", 704u);
        writer.Add("llama.context_length", 1024u);
        writer.Add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
        writer.Add("llama.rope.freq_base", 10_000f);
        AddTokenizer(writer);
        AddWeights(writer);
        return writer;
    }

    private static void AddTokenizer(GgufWriter writer)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Shared.DemoModel, "tokenizer.json")));
        var model = json.RootElement.GetProperty("model");
        var tokens = model.GetProperty("vocab").EnumerateObject().Select(token => (Id: token.Value.GetInt32(), Text: token.Name, Type: 1))
            .Concat(json.RootElement.GetProperty("added_tokens").EnumerateArray().Select(token =>
                (Id: token.GetProperty("id").GetInt32(), Text: token.GetProperty("content").GetString()!, Type: 3)))
            .OrderBy(token => token.Id).ToArray();
        writer.Add("tokenizer.ggml.model", "gpt2");
        writer.Add("tokenizer.ggml.pre", "gpt-2");
        writer.Add("tokenizer.ggml.tokens", tokens.Select(token => token.Text).ToArray());
        writer.Add("tokenizer.ggml.token_type", tokens.Select(token => token.Type).ToArray());
        writer.Add("tokenizer.ggml.merges", model.GetProperty("merges").EnumerateArray().Select(merge => merge.GetString()!).ToArray());
        writer.Add("tokenizer.ggml.bos_token_id", 2042u);
        writer.Add("tokenizer.ggml.eos_token_id", 2043u);
        writer.Add("tokenizer.ggml.padding_token_id", 2044u);
        writer.Add("tokenizer.ggml.add_bos_token", false);
        writer.Add("tokenizer.chat_template", File.ReadAllText(Path.Combine(Shared.DemoModel, "chat_template.jinja")));
    }

    private static void AddWeights(GgufWriter writer)
    {
        var bytes = File.ReadAllBytes(Path.Combine(Shared.DemoModel, "model.safetensors"));
        var length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        using var header = JsonDocument.Parse(bytes.AsMemory(8, length));
        foreach (var tensor in header.RootElement.EnumerateObject().Where(tensor => tensor.Name != "__metadata__"))
        {
            long[] shape = [.. tensor.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
            var offsets = tensor.Value.GetProperty("data_offsets");
            var data = bytes[(8 + length + offsets[0].GetInt32())..(8 + length + offsets[1].GetInt32())];
            if (tensor.Name.Contains("q_proj", StringComparison.Ordinal) || tensor.Name.Contains("k_proj", StringComparison.Ordinal))
                data = Interleave(data, (int)shape[0]);
            // Norms are stored in fp32.
            if (shape.Length == 1)
                writer.Add(NameOf(tensor.Name), 0, shape, [.. data.Chunk(2).SelectMany(value => new byte[] { 0, 0, value[0], value[1] })]);
            else
                writer.Add(NameOf(tensor.Name), BFloat16, shape, data);
        }
    }

    private static string NameOf(string name)
    {
        foreach (var (huggingFace, gguf) in Modules)
            name = name.Replace(huggingFace, gguf, StringComparison.Ordinal);
        return name;
    }

    /// <summary>Both halves of a head side by side, pair by pair.</summary>
    private static byte[] Interleave(byte[] data, int rows)
    {
        var (bytes, result) = (data.Length / rows, new byte[data.Length]);
        for (var row = 0; row < rows; row++)
        {
            var (head, half, pair) = (row / HeadSize, row % HeadSize / (HeadSize / 2), row % (HeadSize / 2));
            data.AsSpan(row * bytes, bytes).CopyTo(result.AsSpan(((head * HeadSize) + (2 * pair) + half) * bytes));
        }

        return result;
    }
}
