using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Package;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Synthesis;

/// <summary>
/// Writes a Hugging Face checkpoint of a known shape with random weights: speed and memory can be measured without a download.
/// </summary>
public static class Synthesizer
{
    private const int ChunkBytes = 4 << 20;
    private const int HeaderAlignment = 8;

    private static readonly Dictionary<string, string> Configurations = new(StringComparer.Ordinal)
    {
        ["tiny"] = Configuration(2, 64, 160, 4, 2, 16, 320, 2048, 10_000),
        ["smollm2-135m"] = Configuration(30, 576, 1536, 9, 3, 64, 49_152, 8192, 100_000),
        ["llama-3.2-1b"] = Configuration(16, 2048, 8192, 32, 8, 64, 128_256, 131_072, 500_000, llama3: true),
        ["llama-3.2-3b"] = Configuration(28, 3072, 8192, 24, 8, 128, 128_256, 131_072, 500_000, llama3: true),
        ["llama-3.1-8b"] = Configuration(
            32, 4096, 14_336, 32, 8, 128, 128_256, 131_072, 500_000, llama3: true, factor: 8, tied: false),
    };

    /// <summary>Names of the known shapes.</summary>
    public static IReadOnlyCollection<string> Shapes => Configurations.Keys;

    /// <summary>Writes a checkpoint; it comes into being whole or not at all.</summary>
    /// <exception cref="ArgumentException">The shape is unknown.</exception>
    /// <exception cref="IOException">The destination exists, or the disk is full.</exception>
    public static SynthesisResult Run(
        SynthesisOptions options, IProgress<ImportProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        if (!Configurations.TryGetValue(options.Shape, out var configuration))
            throw new ArgumentException($"The shape \"{options.Shape}\" is none of {string.Join(", ", Shapes)}.", nameof(options));
        using var staging = new PackageStaging(options.Destination);
        Write("config.json", configuration);
        var config = CheckpointReader.ReadConfig(staging.Folder);
        var contextTokensMax = config.Shape.ContextTokensMax;
        Write("generation_config.json", new JsonObject
        {
            ["bos_token_id"] = ByteTokenizer.Begin,
            ["eos_token_id"] = ByteTokenizer.EndOfTurn,
            ["do_sample"] = true,
            ["temperature"] = 0.6,
            ["top_p"] = 0.9,
        }.ToJsonString());
        Write("tokenizer.json", ByteTokenizer.TokenizerJson(config.Shape.VocabularySize));
        Write("tokenizer_config.json", ByteTokenizer.ConfigJson(contextTokensMax));
        Write("special_tokens_map.json", ByteTokenizer.SpecialTokensJson());
        var bytes = WriteWeights(Path.Combine(staging.Folder, "model.safetensors"), config, options.Seed, progress, cancellationToken);
        staging.Publish();
        return new SynthesisResult(
            Path.GetFullPath(options.Destination), CheckpointReader.WeightsOf(config).Parameters(config.Shape), bytes);

        void Write(string name, string text) => File.WriteAllText(Path.Combine(staging.Folder, name), text + "\n");
    }

    private static long WriteWeights(
        string path, DecoderConfig config, int seed, IProgress<ImportProgress>? progress, CancellationToken cancellationToken)
    {
        var weights = CheckpointReader.WeightsOf(config);
        var tensors = Tensors(weights, config.Shape).ToList();
        var header = Header(tensors);
        var total = tensors.Sum(tensor => tensor.Bytes);
        using var file = new DataFile(path, header.Length + total);
        file.Write(0, header);
        var offset = (long)header.Length;
        var parallel = new ParallelOptions { CancellationToken = cancellationToken };
        for (var index = 0; index < tensors.Count; index++)
        {
            var tensor = tensors[index];
            var start = offset;
            var tensorSeed = ((ulong)(uint)seed << 32) | (uint)index;
            Parallel.For(0L, (tensor.Bytes + ChunkBytes - 1) / ChunkBytes, parallel, chunk =>
            {
                var length = (int)Math.Min(ChunkBytes, tensor.Bytes - (chunk * ChunkBytes));
                var buffer = ArrayPool<byte>.Shared.Rent(length);
                FillChunk(buffer.AsSpan(0, length), tensor.Shape.Length == 1, (tensorSeed * 0xD1342543DE82EF95) ^ (ulong)(chunk << 40));
                file.Write(start + (chunk * ChunkBytes), buffer.AsSpan(0, length));
                ArrayPool<byte>.Shared.Return(buffer);
            });
            offset += tensor.Bytes;
            progress?.Report(new ImportProgress("synthesize", offset - header.Length, total));
        }

        file.Flush();
        return total;
    }

    /// <summary>Norms are one, matrices random.</summary>
    private static void FillChunk(Span<byte> chunk, bool norm, ulong seed)
    {
        const ushort One = 0x3F80;
        if (!norm)
        {
            RandomWeights.Fill(seed, chunk);
            return;
        }

        for (var i = 0; i < chunk.Length; i += sizeof(ushort))
            BinaryPrimitives.WriteUInt16LittleEndian(chunk[i..], One);
    }

    private static IEnumerable<(string Name, long[] Shape, long Bytes)> Tensors(DecoderWeights weights, ModelShape shape)
    {
        IEnumerable<LinearWeights> linears = [weights.Embedding, .. weights.Layers.SelectMany(layer => layer.Linears), weights.Head];
        var matrices = linears
            .SelectMany(linear => linear.Parts.Select(part => (part.Weight, Shape: new long[] { part.Outputs, linear.Inputs })))
            .DistinctBy(matrix => matrix.Weight);
        var norms = weights.Norms().SelectMany(norm => norm.Names.Select(name => (name, new long[] { norm.Width })));
        foreach (var (name, sizes) in matrices.Concat(norms))
            yield return (name, sizes, sizes.Aggregate(1L, (product, size) => product * size) * sizeof(ushort));
    }

    /// <summary>Length and JSON, padded with spaces as the format allows.</summary>
    private static byte[] Header(IReadOnlyList<(string Name, long[] Shape, long Bytes)> tensors)
    {
        var root = new JsonObject { ["__metadata__"] = new JsonObject { ["format"] = "pt" } };
        var offset = 0L;
        foreach (var (name, shape, bytes) in tensors)
        {
            root[name] = new JsonObject
            {
                ["dtype"] = "BF16",
                ["shape"] = new JsonArray([.. shape.Select(size => (JsonNode)size)]),
                ["data_offsets"] = new JsonArray(offset, offset += bytes),
            };
        }

        var json = root.ToJsonString();
        json = json.PadRight((json.Length + HeaderAlignment - 1) / HeaderAlignment * HeaderAlignment);
        var header = new byte[sizeof(ulong) + json.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)json.Length);
        Encoding.ASCII.GetBytes(json, header.AsSpan(sizeof(ulong)));
        return header;
    }

    private static string Configuration(
        int layers, int hidden, int intermediate, int heads, int keyValueHeads, int headSize, int vocabulary, int context, double theta,
        bool llama3 = false, double factor = 32, bool tied = true) => new JsonObject
        {
            ["architectures"] = new JsonArray("LlamaForCausalLM"),
            ["model_type"] = "llama",
            ["num_hidden_layers"] = layers,
            ["hidden_size"] = hidden,
            ["intermediate_size"] = intermediate,
            ["num_attention_heads"] = heads,
            ["num_key_value_heads"] = keyValueHeads,
            ["head_dim"] = headSize,
            ["vocab_size"] = vocabulary,
            ["max_position_embeddings"] = context,
            ["rope_theta"] = theta,
            ["rope_scaling"] = llama3
                ? new JsonObject
                {
                    ["rope_type"] = "llama3",
                    ["factor"] = factor,
                    ["low_freq_factor"] = 1.0,
                    ["high_freq_factor"] = 4.0,
                    ["original_max_position_embeddings"] = 8192,
                }
                : null,
            ["rms_norm_eps"] = 1e-5,
            ["hidden_act"] = "silu",
            ["tie_word_embeddings"] = tied,
            ["attention_bias"] = false,
            ["mlp_bias"] = false,
            ["bos_token_id"] = ByteTokenizer.Begin,
            ["eos_token_id"] = ByteTokenizer.EndOfTurn,
            ["torch_dtype"] = "bfloat16",
        }.ToJsonString();
}
