using System.Buffers.Binary;
using System.Text.Json;

namespace Parley.Benchmarks.Gguf;

/// <summary>
/// A Llama checkpoint in bf16, its hidden size widened with zeros to a multiple of 256, which blocks of 256 weights ask for, by whole
/// groups of heads. It computes what the original does: added rows, columns and heads are zero, and norms are scaled for the longer mean.
/// </summary>
internal sealed class WidenedCheckpoint
{
    private const int Multiple = 256;

    private readonly byte[] _bytes;
    private readonly int _start;
    private readonly JsonElement _tensors;
    private readonly float _normScale;

    public WidenedCheckpoint(string folder)
    {
        using var config = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "config.json")));
        var fields = config.RootElement;
        (Hidden, Intermediate, Layers) = (Number("hidden_size"), Number("intermediate_size"), Number("num_hidden_layers"));
        (Heads, KeyValueHeads) = (Number("num_attention_heads"), Number("num_key_value_heads"));
        (Vocabulary, Context) = (Number("vocab_size"), Number("max_position_embeddings"));
        (Theta, Epsilon) = (fields.GetProperty("rope_theta").GetSingle(), fields.GetProperty("rms_norm_eps").GetSingle());
        HeadSize = Hidden / Heads;
        var (narrow, group) = (Hidden, Heads / KeyValueHeads);
        while (Hidden % Multiple != 0 || Hidden % (HeadSize * group) != 0)
            Hidden += HeadSize * group;
        if (Intermediate % Multiple != 0 || !fields.GetProperty("tie_word_embeddings").GetBoolean())
            throw new InvalidDataException($"{folder}: intermediate_size must be a multiple of {Multiple}, and the embeddings tied.");
        (Heads, KeyValueHeads) = (Hidden / HeadSize, Hidden / HeadSize / group);
        // The mean of the squares is over more numbers, which are zero.
        var share = (float)narrow / Hidden;
        (_normScale, Epsilon) = (MathF.Sqrt(share), Epsilon * share);

        _bytes = File.ReadAllBytes(Path.Combine(folder, "model.safetensors"));
        var header = (int)BinaryPrimitives.ReadUInt64LittleEndian(_bytes);
        _start = 8 + header;
        using var tensors = JsonDocument.Parse(_bytes.AsMemory(8, header));
        _tensors = tensors.RootElement.Clone();

        int Number(string name) => fields.GetProperty(name).GetInt32();
    }

    public int Hidden { get; private init; }

    public int Intermediate { get; }

    public int Layers { get; }

    public int Heads { get; }

    public int KeyValueHeads { get; }

    public int HeadSize { get; }

    public int Vocabulary { get; }

    public int Context { get; }

    public float Theta { get; }

    public float Epsilon { get; }

    /// <summary>All tensors: name in a GGUF file, name here, rows and columns; a norm has one row.</summary>
    public IEnumerable<(string Name, string Source, int Rows, int Columns)> Tensors()
    {
        yield return ("token_embd.weight", "model.embed_tokens.weight", Vocabulary, Hidden);
        yield return ("output_norm.weight", "model.norm.weight", 1, Hidden);
        for (var layer = 0; layer < Layers; layer++)
        {
            var (here, there) = ($"blk.{layer}", $"model.layers.{layer}");
            yield return ($"{here}.attn_norm.weight", $"{there}.input_layernorm.weight", 1, Hidden);
            yield return ($"{here}.attn_q.weight", $"{there}.self_attn.q_proj.weight", Heads * HeadSize, Hidden);
            yield return ($"{here}.attn_k.weight", $"{there}.self_attn.k_proj.weight", KeyValueHeads * HeadSize, Hidden);
            yield return ($"{here}.attn_v.weight", $"{there}.self_attn.v_proj.weight", KeyValueHeads * HeadSize, Hidden);
            yield return ($"{here}.attn_output.weight", $"{there}.self_attn.o_proj.weight", Hidden, Heads * HeadSize);
            yield return ($"{here}.ffn_norm.weight", $"{there}.post_attention_layernorm.weight", 1, Hidden);
            yield return ($"{here}.ffn_gate.weight", $"{there}.mlp.gate_proj.weight", Intermediate, Hidden);
            yield return ($"{here}.ffn_up.weight", $"{there}.mlp.up_proj.weight", Intermediate, Hidden);
            yield return ($"{here}.ffn_down.weight", $"{there}.mlp.down_proj.weight", Hidden, Intermediate);
        }
    }

    /// <summary>Reads a row as a GGUF file has it, zero where the original has none.</summary>
    public void Read(string name, int row, Span<float> values)
    {
        var tensor = _tensors.GetProperty(name);
        if (tensor.GetProperty("dtype").GetString() != "BF16")
            throw new InvalidDataException($"{name} is not BF16.");
        var shape = tensor.GetProperty("shape");
        var isNorm = shape.GetArrayLength() == 1;
        var (rows, columns) = isNorm ? (1, shape[0].GetInt32()) : (shape[0].GetInt32(), shape[1].GetInt32());
        if (name.Contains("q_proj", StringComparison.Ordinal) || name.Contains("k_proj", StringComparison.Ordinal))
            row = SourceRow(row);
        values.Clear();
        if (row >= rows)
            return;
        var offset = _start + tensor.GetProperty("data_offsets")[0].GetInt64() + ((long)row * columns * sizeof(ushort));
        for (var i = 0; i < columns; i++)
        {
            var bits = BinaryPrimitives.ReadUInt16LittleEndian(_bytes.AsSpan((int)offset + (2 * i)));
            values[i] = BitConverter.UInt32BitsToSingle((uint)bits << 16) * (isNorm ? _normScale : 1);
        }
    }

    /// <summary>llama.cpp stores the two halves of a head's rotary pairs interleaved.</summary>
    private int SourceRow(int row)
    {
        var (head, within) = (row / HeadSize, row % HeadSize);
        return (head * HeadSize) + (within % 2 * (HeadSize / 2)) + (within / 2);
    }
}
