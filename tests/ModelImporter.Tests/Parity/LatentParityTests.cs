using Parley.Generator.Execution.Kernels;
using Parley.ModelImporter.Inspection;

namespace Parley.ModelImporter.Tests.Parity;

/// <summary>What is particular to latent attention, beside what every family is held to.</summary>
public sealed class LatentParityTests
{
    private const string Name = "glm4-moe-lite-mla";

    private const string Fields = """
        {"rms_norm_eps":1e-5,"num_key_value_heads":4,"n_routed_experts":4,"num_experts_per_tok":4,"moe_intermediate_size":64,"n_group":1,
         "topk_group":1,"n_shared_experts":1,"first_k_dense_replace":1,"q_lora_rank":32,"kv_lora_rank":64,"qk_nope_head_dim":32,
         "qk_rope_head_dim":16,"v_head_dim":32,"routed_scaling_factor":1.5
        """;

    /// <summary>The latent in half precision, and in 8 bits with a scale for it and one for what turns.</summary>
    [Theory]
    [InlineData("Fp16", 5e-3)]
    [InlineData("Int8", 0.1)]
    public void Logits_OfNarrowCaches_AreCloseAndTheSameBitsHoweverCut(string precision, double bound)
    {
        var options = ParityPackage.Options() with { CachePrecision = Enum.Parse<KvCachePrecision>(precision) };
        using var folder = new TemporaryFolder();
        var source = RandomCheckpoint.Write(folder, "deepseek_v3", Fields + "}", seed: 11);
        var random = new Random(12);
        List<uint[]> prompts =
            [.. new[] { 90, 61 }.Select(length => Enumerable.Range(0, length).Select(_ => (uint)random.Next(384)).ToArray())];
        using (var exact = new ParityPackage(source))
        {
            using var wide = exact.Open(ParityPackage.Options());
            using var half = exact.Open(options);
            var error = new LogitError();
            foreach (var (expected, actual) in exact.Logits(wide, [prompts[0]], 90)[0].Zip(exact.Logits(half, [prompts[0]], 90)[0]))
                error.Add(actual, expected);
            TestContext.Current.TestOutputHelper?.WriteLine($"{precision}: {error}");
            Assert.InRange(error.RootMeanSquare, 1e-7, bound);
        }

        // Rounded activations make of any other bit another answer.
        using var package = new ParityPackage(source, "int8");
        using var narrow = package.Open(options);
        var alone = prompts.Select(ids => package.Logits(narrow, [ids], 90)[0]).ToList();
        foreach (var chunk in new[] { 1, 7, 64 })
        {
            foreach (var (together, one) in package.Logits(narrow, prompts, chunk).Zip(alone))
                Assert.Equal(one.SelectMany(row => row), together.SelectMany(row => row));
        }
    }

    /// <summary>What the cache takes of a token is stated, beside what the heads would.</summary>
    [Fact]
    public void Package_OfTheFixture_CachesTheLatentAlone()
    {
        var checkpoint = new ParityCheckpoint(Name);
        using var package = new ParityPackage(checkpoint.Folder);

        // Three layers of a latent of 32 and 8 that turn, which take 16 in the cache.
        Assert.Equal(3 * (32 + 16), package.Shape.CacheElementsPerToken);
        Assert.Equal(3 * (32 + 16) * 4, KvCacheFormat.TokenBytes(KvCachePrecision.Fp32, package.Shape));
        Assert.Equal(3 * (32 + 16) * 2, KvCacheFormat.TokenBytes(KvCachePrecision.Fp16, package.Shape));
        Assert.Equal(3 * (32 + 4 + 16 + 4), KvCacheFormat.TokenBytes(KvCachePrecision.Int8, package.Shape));
        var tree = ModelTree.Read(checkpoint.Folder);
        Assert.Contains(tree.Meaning, sentence => sentence.Contains(
            "4 query heads of 24 share a latent of 32 numbers and 8 that turn: 48 in the cache of a token and layer, where keys and values "
            + "of all heads would be 192", StringComparison.Ordinal));
        var text = tree.ToText();
        Assert.Contains("(kv_b_proj): Linear(in_features=32, out_features=160, bias=False)", text, StringComparison.Ordinal);
        Assert.Contains("(kv_a_layernorm): Glm4MoeLiteRMSNorm((32,), eps=1e-06)", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Import_ABlockThatIsThereInPart_IsLeftOutAndSaidSo()
    {
        using var folder = new TemporaryFolder();
        var source = RandomCheckpoint.Write(folder, "deepseek_v3", Fields + "}", seed: 3);
        uint[] ids = [.. Enumerable.Range(0, 40).Select(i => (uint)(i * 7))];
        float[][] expected;
        using (var package = new ParityPackage(source))
        using (var runner = package.Open(ParityPackage.Options()))
            expected = package.Logits(runner, [ids], 40)[0];
        RandomCheckpoint.Change(source, tensors =>
        {
            tensors["model.layers.4.eh_proj.weight"] = ([64, 128], new float[64 * 128]);
            tensors["model.layers.4.enorm.weight"] = ([64], new float[64]);
            tensors["model.layers.4.self_attn.kv_b_proj.weight"] = ([256, 64], new float[256 * 64]);
        });

        var config = Path.Combine(source, "config.json");
        File.WriteAllText(config, "{\"num_nextn_predict_layers\":1," + File.ReadAllText(config)[1..]);
        using var further = new ParityPackage(source);
        using var same = further.Open(ParityPackage.Options());

        Assert.Equal(expected.SelectMany(row => row), further.Logits(same, [ids], 40)[0].SelectMany(row => row));
        Assert.Contains(further.Result.Notes, note =>
            note.Contains("is left out, as in transformers: the checkpoint lacks it", StringComparison.Ordinal));
    }

    /// <summary>A matrix of before the last layer that is none of the decoder's, or is missing, is refused by its name.</summary>
    [Theory]
    [InlineData("model.layers.1.self_attn.kv_b_proj.weight", true, "model.layers.1.self_attn.kv_b_proj.weight")]
    [InlineData("model.layers.1.self_attn.kv_c_proj.weight", false, "no tensor model.layers.1.self_attn.kv_c_proj.weight")]
    public void Import_TensorMissingOrTooMany_IsNamed(string tensor, bool isRemoved, string named)
    {
        using var folder = new TemporaryFolder();
        var source = RandomCheckpoint.Write(folder, "deepseek_v3", Fields + "}", seed: 3);
        RandomCheckpoint.Change(source, tensors =>
        {
            if (!tensors.Remove(tensor) || !isRemoved)
                tensors[tensor] = ([4, 64], new float[4 * 64]);
        });

        var message = Assert.Throws<InvalidDataException>(() => CheckpointReader.Open(source)).Message;

        Assert.Contains(named, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Import_ExpansionOfAnotherShape_NamesWantedAndFound()
    {
        using var folder = new TemporaryFolder();
        var source = RandomCheckpoint.Write(folder, "deepseek_v3", Fields + "}", seed: 3);
        RandomCheckpoint.Change(source, tensors =>
            tensors["model.layers.0.self_attn.kv_b_proj.weight"] = ([250, 64], new float[250 * 64]));

        var message = Assert.Throws<InvalidDataException>(() => CheckpointReader.Open(source)).Message;

        Assert.Contains("kv_b_proj.weight", message, StringComparison.Ordinal);
        Assert.Contains("[250, 64]", message, StringComparison.Ordinal);
        Assert.Contains("[256, 64]", message, StringComparison.Ordinal);
    }

    /// <summary>FP8 in blocks of which none ends where a head's keys do: the numbers are those of the same weights spelled out.</summary>
    [Fact]
    public void Logits_OfFp8_AreThoseOfItsWeights()
    {
        using var folder = new TemporaryFolder();
        var (plain, source) = Fp8Checkpoint.Write(folder, "deepseek_v3", Fields + "}", (24, 24));

        Assert.Equal(Logits(plain), Logits(source));
    }

    private static float[] Logits(string source)
    {
        uint[] ids = [.. Enumerable.Range(0, 40).Select(i => (uint)((i * 37) % 384))];
        using var package = new ParityPackage(source);
        using var runner = package.Open(ParityPackage.Options());
        return [.. package.Logits(runner, [ids], 16)[0].SelectMany(row => row)];
    }
}
