using CsCheck;
using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Tests.Gguf;

public sealed class GgufHeaderTests
{
    [Fact]
    public void File_TensorsOfEachKind_HaveHuggingFaceNamesShapesAndOrder()
    {
        using var folder = new TemporaryFolder();
        var writer = GgufWriter.Llama(hidden: 4, heads: 2, keyValueHeads: 1, headSize: 4);
        writer.Add("general.name", "anything");
        writer.Add("tokenizer.ggml.tokens", new[] { "a", "b", "ü" });
        var rows = Enumerable.Range(0, 8 * 4).Select(i => (float)i).ToArray();
        writer.Add("blk.3.attn_q.weight", GgufType.F32, [8, 4], Bytes(rows));
        Half[] halves = [(Half)1f, (Half)(-2f), (Half)0.5f];
        writer.Add("blk.3.attn_v.weight", GgufType.F16, [1, 3], [.. halves.SelectMany(BitConverter.GetBytes)]);
        writer.Add("output_norm.weight", GgufType.BF16, [2], [0x80, 0x3F, 0, 0xC0]);

        using var file = GgufFile.OpenAll(writer.Write(folder.File("model.gguf")))[0];

        Assert.Equal(
            ["model.layers.3.self_attn.q_proj.weight [8, 4]", "model.layers.3.self_attn.v_proj.weight [1, 3]", "model.norm.weight [2]"],
            file.Tensors.Select(tensor => $"{tensor.Name} {tensor.ShapeText}"));
        // Rows of a head are stored as first, third, second, fourth: the pairs (i, i + half) side by side.
        int[] stored = [0, 2, 1, 3, 4, 6, 5, 7];
        Assert.Equal(stored.SelectMany(row => rows.AsSpan(row * 4, 4).ToArray()), Read(file, 0, 0, 32));
        Assert.Equal([.. rows[10..12], .. rows[4..7]], Read(file, 0, 6, 5));
        Assert.Equal([1f, -2f, 0.5f], Read(file, 1, 0, 3));
        Assert.Equal([1f, -2f], Read(file, 2, 0, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => Read(file, 2, 1, 2));
    }

    [Fact]
    public void Read_PartOfBlocks_IsThatOfTheWhole()
    {
        using var folder = new TemporaryFolder();
        var writer = GgufWriter.Llama(64, 2, 2, 32);
        var data = new byte[34 * 2 * 3];
        new Random(3).NextBytes(data);
        for (var block = 0; block < 6; block++)
            BitConverter.TryWriteBytes(data.AsSpan(34 * block), (Half)0.5f);
        writer.Add("token_embd.weight", GgufType.Q8_0, [3, 64], data);
        using var file = GgufFile.OpenAll(writer.Write(folder.File("model.gguf")))[0];
        var whole = Read(file, 0, 0, 192);

        Assert.Equal(whole[40..171], Read(file, 0, 40, 131));
        Assert.Equal(whole[33..35], Read(file, 0, 33, 2));
    }

    public static TheoryData<string, string> Faults { get; } = new()
    {
        { "version", "version 9" },
        { "alignment", "general.alignment" },
        { "dimensions", "dimensions" },
        { "zero", "dimension 0 is 0" },
        { "huge", "too large" },
        { "rows", "no multiple of the 32" },
        { "offset", "alignment" },
        { "outside", "outside" },
        { "overlap", "overlap" },
        { "twice", "occurs twice" },
        { "same", "two tensors stand for" },
        { "key", "general.name occurs twice" },
        { "architecture", "general.architecture" },
        { "heads", "llama.attention.head_count" },
        { "headRows", "head size" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void File_BadHeader_IsRefusedNamingTheField(string fault, string named)
    {
        using var folder = new TemporaryFolder();
        var writer = fault switch
        {
            "version" => new GgufWriter { Version = 9 },
            "architecture" => new GgufWriter(),
            "heads" => new GgufWriter(),
            _ => GgufWriter.Llama(4, 2, 1, 4),
        };
        Spoil(writer, fault);
        var path = writer.Write(folder.File("model.gguf"));

        var exception = Assert.Throws<InvalidDataException>(() => GgufFile.OpenAll(path));

        Assert.Contains(path, exception.Message, StringComparison.Ordinal);
        Assert.Contains(named, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(16u, "IQ2_XXS")]
    [InlineData(18u, "IQ3_XXS")]
    [InlineData(34u, "TQ1_0")]
    [InlineData(40u, "NVFP4")]
    [InlineData(28u, "F64")]
    [InlineData(999u, "999")]
    public void File_TypeThatIsNotRead_IsRefusedOnceItIsAskedFor(uint number, string type)
    {
        using var folder = new TemporaryFolder();
        var writer = GgufWriter.Llama(4, 2, 1, 4);
        writer.Add("output.weight", number, [2, 256], new byte[64]);
        using var file = GgufFile.OpenAll(writer.Write(folder.File("model.gguf")))[0];

        var exception = Assert.Throws<InvalidDataException>(() => file.Check(file.Tensors[0]));

        Assert.Contains($"lm_head.weight is of the type {type}; read are F32", exception.Message, StringComparison.Ordinal);
        Assert.Contains("Fetch a file of the same model in one of these", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void File_CutAtAnyLength_IsRefused()
    {
        using var folder = new TemporaryFolder();
        var whole = Sample();
        for (var length = 0; length < whole.Length - 31; length += length < 600 ? 1 : 7)
        {
            File.WriteAllBytes(folder.File("cut.gguf"), whole[..length]);
            Assert.Throws<InvalidDataException>(() => GgufFile.OpenAll(folder.File("cut.gguf")));
        }
    }

    [Fact]
    public void Header_AnyDamage_IsReadOrRefusedAsInvalidData()
    {
        var sample = Sample();
        var value = Gen.OneOf(Gen.Byte, Gen.Const((byte)0), Gen.Const((byte)9), Gen.Const((byte)0xFF));
        var edit = Gen.Select(Gen.Int[0, sample.Length - 1], value);
        edit.Array[1, 8].Sample(
            edits =>
            {
                var damaged = sample.ToArray();
                foreach (var (position, written) in edits)
                    damaged[position] = written;
                try
                {
                    var header = GgufHeader.Parse(damaged, damaged.Length, "fuzz");
                    Assert.All(header.Tensors, tensor =>
                    {
                        Assert.InRange(tensor.Offset, 0, damaged.Length);
                        Assert.InRange(tensor.Offset + tensor.Bytes, tensor.Offset, damaged.Length);
                    });
                    _ = new GgufConfiguration(header, "fuzz").ToJson();
                }
                catch (InvalidDataException)
                {
                    // The only exception that a damaged header may cause.
                }
            },
            iter: 20_000,
            seed: "0N0XIzNsQ0O2");
    }

    private static void Spoil(GgufWriter writer, string fault)
    {
        switch (fault)
        {
            case "alignment":
                writer.Add("general.alignment", 7u);
                break;
            case "dimensions":
                writer.Add("t", GgufType.F32, [1, 1, 1, 1, 1], new byte[4]);
                break;
            case "zero":
                writer.Add("t", GgufType.F32, [0], []);
                break;
            case "huge":
                writer.Add("t", GgufType.F32, [1L << 62, 4], []);
                break;
            case "rows":
                writer.Add("t", GgufType.Q4_0, [1, 33], new byte[36]);
                break;
            case "offset":
                writer.Add("t", (uint)GgufType.F32, [1], new byte[64], offset: 4);
                break;
            case "outside":
                writer.Add("t", (uint)GgufType.F32, [1], new byte[4], offset: ulong.MaxValue - 31);
                break;
            case "overlap":
                writer.Add("t", (uint)GgufType.F32, [16], new byte[64], offset: 0);
                writer.Add("u", (uint)GgufType.F32, [16], new byte[64], offset: 32);
                break;
            case "twice":
                writer.Add("t", GgufType.F32, [1], new byte[4]);
                writer.Add("t", GgufType.F32, [1], new byte[4]);
                break;
            case "same":
                writer.Add("output.weight", GgufType.F32, [1], new byte[4]);
                writer.Add("lm_head.weight", GgufType.F32, [1], new byte[4]);
                break;
            case "key":
                writer.Add("general.name", "a");
                writer.Add("general.name", "b");
                break;
            case "architecture":
                writer.Add("general.architecture", "mamba");
                break;
            case "heads":
                writer.Add("general.architecture", "llama");
                writer.Add("llama.embedding_length", 64u);
                writer.Add("llama.attention.head_count", "two");
                break;
            case "headRows":
                writer.Add("blk.0.attn_k.weight", GgufType.F32, [6, 1], new byte[24]);
                break;
        }
    }

    private static byte[] Sample()
    {
        var writer = GgufWriter.Llama(32, 1, 1, 32);
        writer.Add("llama.block_count", 1u);
        writer.Add("llama.context_length", 64u);
        writer.Add("llama.feed_forward_length", 32u);
        writer.Add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
        writer.Add("tokenizer.ggml.tokens", new[] { "one", "two", "three" });
        writer.Add("tokenizer.ggml.add_bos_token", true);
        writer.Add("token_embd.weight", GgufType.Q4_1, [3, 32], new byte[60]);
        writer.Add("output_norm.weight", GgufType.F32, [32], new byte[128]);
        return writer.ToArray();
    }

    private static byte[] Bytes(float[] values) => [.. values.SelectMany(BitConverter.GetBytes)];

    private static float[] Read(ITensorFile file, int tensor, long first, int count)
    {
        var values = new float[count];
        file.Read(file.Tensors[tensor], first, values);
        return values;
    }
}
