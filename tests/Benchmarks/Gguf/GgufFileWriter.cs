using System.Text;

namespace Parley.Benchmarks.Gguf;

/// <summary>Writes a checkpoint as a GGUF file whose matrices are all of one type.</summary>
internal static class GgufFileWriter
{
    private const int Alignment = 32;

    /// <summary>Writes the file.</summary>
    /// <returns>Bytes of the matrices, and their weights.</returns>
    public static (long Bytes, long Weights) Write(WidenedCheckpoint checkpoint, BlockType type, string path)
    {
        var tensors = checkpoint.Tensors().Select(tensor => (
            tensor.Name, tensor.Source, tensor.Rows, tensor.Columns, Type: tensor.Rows == 1 ? BlockType.F32 : type)).ToArray();
        using var file = File.Create(path);
        using var writer = new BinaryWriter(file);
        WriteHeader(writer, checkpoint, tensors.Length);
        var offset = 0L;
        foreach (var tensor in tensors)
        {
            WriteText(writer, tensor.Name);
            writer.Write(tensor.Rows == 1 ? 1u : 2u);
            writer.Write((ulong)tensor.Columns);
            if (tensor.Rows > 1)
                writer.Write((ulong)tensor.Rows);
            writer.Write((uint)tensor.Type);
            writer.Write((ulong)offset);
            offset += Padded(Length(tensor.Type, tensor.Rows, tensor.Columns));
        }

        Pad(writer);
        var (bytes, weights) = (0L, 0L);
        foreach (var tensor in tensors)
        {
            var data = new byte[Length(tensor.Type, tensor.Rows, tensor.Columns)];
            var rowBytes = data.Length / tensor.Rows;
            Parallel.For(0, tensor.Rows, row =>
            {
                var values = new float[tensor.Columns];
                checkpoint.Read(tensor.Source, row, values);
                BlockWriter.Write(tensor.Type, values, data.AsSpan(row * rowBytes, rowBytes));
            });
            writer.Write(data);
            Pad(writer);
            if (tensor.Rows > 1)
                (bytes, weights) = (bytes + data.Length, weights + ((long)tensor.Rows * tensor.Columns));
        }

        return (bytes, weights);
    }

    private static void WriteHeader(BinaryWriter writer, WidenedCheckpoint checkpoint, int tensors)
    {
        (string Key, object Value)[] metadata =
        [
            ("general.architecture", "llama"), ("llama.embedding_length", (uint)checkpoint.Hidden),
            ("llama.block_count", (uint)checkpoint.Layers), ("llama.feed_forward_length", (uint)checkpoint.Intermediate),
            ("llama.context_length", (uint)checkpoint.Context), ("llama.vocab_size", (uint)checkpoint.Vocabulary),
            ("llama.attention.head_count", (uint)checkpoint.Heads), ("llama.attention.head_count_kv", (uint)checkpoint.KeyValueHeads),
            ("llama.attention.key_length", (uint)checkpoint.HeadSize), ("llama.rope.freq_base", checkpoint.Theta),
            ("llama.attention.layer_norm_rms_epsilon", checkpoint.Epsilon),
        ];
        writer.Write(0x46554747u);
        writer.Write(3u);
        writer.Write((ulong)tensors);
        writer.Write((ulong)metadata.Length);
        foreach (var (key, value) in metadata)
        {
            WriteText(writer, key);
            switch (value)
            {
                case uint number:
                    writer.Write(4u);
                    writer.Write(number);
                    break;
                case float number:
                    writer.Write(6u);
                    writer.Write(number);
                    break;
                case string text:
                    writer.Write(8u);
                    WriteText(writer, text);
                    break;
            }
        }
    }

    private static long Length(BlockType type, int rows, int columns)
    {
        var (weights, bytes) = BlockWriter.SizeOf(type);
        return (long)rows * columns / weights * bytes;
    }

    private static long Padded(long length) => (length + Alignment - 1) / Alignment * Alignment;

    private static void Pad(BinaryWriter writer)
    {
        writer.Flush();
        var position = writer.BaseStream.Position;
        writer.Write(new byte[Padded(position) - position]);
    }

    private static void WriteText(BinaryWriter writer, string text)
    {
        writer.Write((ulong)Encoding.UTF8.GetByteCount(text));
        writer.Write(Encoding.UTF8.GetBytes(text));
    }
}
