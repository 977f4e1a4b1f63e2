using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Parley.Generator;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;
using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Tests.Gguf;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Tests.Parity;

/// <summary>
/// Drafts by the model's own head: the same numbers with and without, bit for bit, whether the head is right or not, however a sequence is
/// computed.
/// </summary>
public sealed class HeadDraftTests
{
    private const int Count = 48;

    private const string Delta = """
        {"rms_norm_eps":1e-5,"head_dim":32,"full_attention_interval":2,"linear_num_key_heads":2,"linear_num_value_heads":4,
         "linear_key_head_dim":32,"linear_value_head_dim":16,"linear_conv_kernel_dim":3,"rope_theta":900.0,"mtp_num_hidden_layers":1}
        """;

    private const string DeltaMixture = """
        {"rms_norm_eps":1e-5,"head_dim":32,"full_attention_interval":4,"linear_num_key_heads":2,"linear_num_value_heads":4,
         "linear_key_head_dim":16,"linear_value_head_dim":32,"linear_conv_kernel_dim":4,"num_experts":8,"num_experts_per_tok":3,
         "moe_intermediate_size":64,"shared_expert_intermediate_size":32,"rope_theta":900.0,"mtp_num_hidden_layers":1}
        """;

    private const string Glm = """
        {"rms_norm_eps":1e-5,"n_routed_experts":8,"num_experts_per_tok":2,"moe_intermediate_size":64,"n_shared_experts":1,
         "first_k_dense_replace":1,"use_qk_norm":true,"attention_bias":true,"routed_scaling_factor":2.5,"norm_topk_prob":true,"head_dim":16,
         "num_nextn_predict_layers":1}
        """;

    private const string Latent = """
        {"rms_norm_eps":1e-5,"num_key_value_heads":4,"n_routed_experts":4,"num_experts_per_tok":4,"moe_intermediate_size":64,"n_group":1,
         "topk_group":1,"n_shared_experts":1,"first_k_dense_replace":1,"q_lora_rank":32,"kv_lora_rank":64,"qk_nope_head_dim":32,
         "qk_rope_head_dim":16,"v_head_dim":32,"routed_scaling_factor":1.5,"scoring_func":"sigmoid","norm_topk_prob":true,
         "num_nextn_predict_layers":1}
        """;

    public static TheoryData<string, string, string, bool> Models { get; } =
    [
        .. from model in new[] { ("qwen3_5_text", Delta), ("qwen3_5_moe_text", DeltaMixture), ("glm4_moe", Glm), ("deepseek_v3", Latent) }
           from form in new[] { ("int4", true), ("int8", false), ("fp32", true) }
           select new TheoryDataRow<string, string, string, bool>(model.Item1, model.Item2, form.Item1, form.Item2),
    ];

    [Theory]
    [MemberData(nameof(Models))]
    public void Logprobs_WithDraftsByTheHead_AreTheSameBits(string modelType, string fields, string precision, bool agrees)
    {
        using var folder = new TemporaryFolder();
        using var package = new ParityPackage(Write(folder, modelType, fields, agrees), precision);
        Assert.Equal(new DrafterShape(1, 384), package.Shape.Drafter);
        var random = new Random(5);
        List<(uint[], uint[])> requests = [.. new[] { 61, 20, 33, 5 }.Select(length => (Ids(random, length), Array.Empty<uint>()))];
        var seeded = new SamplingParameters { MaxTokens = Count, Sample = true, Temperature = 0.9f, TopK = 30, Seed = 17 };
        IReadOnlyList<(uint, string)[]> alone, drawn;
        using (var engine = new ParityEngine(package))
            alone = [.. requests.Select(request => Bits(engine.Run(Count, true, request)[0]))];
        using (var engine = new ParityEngine(package))
            drawn = [.. requests.Select(request => Bits(engine.Run(seeded, Count, true, request)[0]))];

        var (drafted, accepted) = (0L, 0L);
        foreach (var (head, stepTokens) in new[] { (1, 64), (2, 7), (3, 16) })
        {
            using var engine = new ParityEngine(package, draftTokens: 4, stepTokens: stepTokens, headTokens: head);
            AssertSame(alone, engine.Run(Count, true, requests), $"{head} ahead, {stepTokens} tokens a step");
            AssertSame(alone, engine.Run(Count, true, requests), $"{head} ahead, from the cache");
            drafted += engine.Totals.HeadDraftTokens;
            accepted += engine.Totals.HeadAcceptedTokens;
            AssertSame(drawn, engine.Run(seeded, Count, true, requests), $"{head} ahead, drawn");
            Assert.True(engine.Totals.CachedTokens > 0, "nothing came from the cache");
        }

        using (var engine = new ParityEngine(package, blocks: 12, context: 160, draftTokens: 4, headTokens: 3))
        {
            AssertSame(alone, engine.Run(Count, true, requests), "preempted");
            Assert.True(engine.Totals.Preemptions > 0, "nothing was preempted");
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{modelType} {precision}: {accepted} of {drafted} guesses were right");
        Assert.True(drafted > 50, $"{drafted} guesses");
        if (agrees)
            Assert.True(accepted > drafted / 2, $"{accepted} of {drafted} guesses");
        else
            Assert.True(accepted < drafted / 4, $"{accepted} of {drafted} guesses");
    }

    [Theory]
    [InlineData("qwen3_5_text", Delta)]
    [InlineData("deepseek_v3", Latent)]
    public void Logprobs_OfChoicesNextTurnsAndResumedAnswers_AreTheSameBits(string modelType, string fields)
    {
        using var folder = new TemporaryFolder();
        using var package = new ParityPackage(Write(folder, modelType, fields, agrees: true), "int8");
        var prompt = Ids(new Random(6), 50);
        using var plain = new ParityEngine(package);
        var expected = plain.Run(Count, true, (prompt, []))[0];
        uint[] next = [.. prompt, .. expected.Select(token => token.Id), .. prompt[..9]];
        var expectedNext = Bits(plain.Run(12, true, (next, []))[0]);

        using var engine = new ParityEngine(package, draftTokens: 4, headTokens: 2);
        Assert.All(engine.Run(Count, true, (prompt, []), (prompt, []), (prompt, [])), turn => Assert.Equal(Bits(expected), Bits(turn)));
        Assert.Equal(expectedNext, Bits(engine.Run(12, true, (next, []))[0]));
        using var other = new ParityEngine(package, stepTokens: 16, draftTokens: 4, headTokens: 3);
        foreach (var resumed in new[] { 1, 14, 47 })
        {
            uint[] begun = [.. expected[..resumed].Select(token => token.Id)];
            Assert.Equal(Bits(expected)[resumed..], Bits(other.Run(Count, true, (prompt, begun))[0]));
        }

        Assert.True(engine.Totals.HeadAcceptedTokens > 0 && other.Totals.HeadAcceptedTokens > 0, "no guess was right");
    }

    /// <summary>Text with the head's block or without it: of a package with one that is not used, nothing changes.</summary>
    [Theory]
    [InlineData("qwen3_5_text", Delta, "mtp_num_hidden_layers")]
    [InlineData("glm4_moe", Glm, "num_nextn_predict_layers")]
    public void Logits_OfAPackageWithABlock_AreThoseOfOneWithout(string modelType, string fields, string field)
    {
        using var folder = new TemporaryFolder();
        var source = Write(folder, modelType, fields, agrees: false);
        uint[] ids = Ids(new Random(7), 40);
        using var with = new ParityPackage(source, "int4");
        var config = Path.Combine(source, "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace($"\"{field}\":1", $"\"{field}\":0", StringComparison.Ordinal));
        using var without = new ParityPackage(source, "int4");
        Assert.Null(without.Shape.Drafter);
        using var one = with.Open(ParityPackage.Options());
        using var other = without.Open(ParityPackage.Options());

        Assert.Equal(
            without.Logits(other, [ids], 40)[0].SelectMany(row => row), with.Logits(one, [ids], 40)[0].SelectMany(row => row));
    }

    /// <summary>A file as llama.cpp's converter writes it has the block as one more layer; it guesses what the checkpoint's does.</summary>
    [Theory]
    [InlineData("qwen3_5_text", Delta)]
    [InlineData("glm4_moe", Glm)]
    public void Guesses_OfAConvertedFile_AreThoseOfItsCheckpoint(string modelType, string fields)
    {
        using var folder = new TemporaryFolder();
        var source = RandomCheckpoint.Write(folder, modelType, fields, seed: 3);
        using var file = new ParityPackage(ConvertedFile.Write(folder, source));
        using var checkpoint = new ParityPackage(source);
        Assert.NotNull(file.Shape.Drafter);
        uint[] ids = Ids(new Random(8), 40);

        Assert.Equal(HeadReference.Guesses(checkpoint, ids), HeadReference.Guesses(file, ids));
    }

    /// <summary>
    /// Of a model whose layers add nothing, the streams are known; so what the head must guess can be asked of a model whose one layer is
    /// the head's, and whose embeddings are what that layer reads.
    /// </summary>
    [Theory]
    [InlineData("qwen3_5_text", Delta)]
    [InlineData("glm4_moe", Glm)]
    public void Guesses_OfAHead_AreThoseOfAModelOfItsLayer(string modelType, string fields)
    {
        using var folder = new TemporaryFolder();
        var source = RandomCheckpoint.Write(folder, modelType, fields, seed: 3);
        RandomCheckpoint.Change(source, tensors => HeadReference.Silence(tensors, layers: 4, factor: 0));
        uint[] ids = Ids(new Random(9), 60);
        using var package = new ParityPackage(source);
        using var layer = new ParityPackage(HeadReference.WriteLayer(folder, source, ids, addsOne: modelType != "glm4_moe"));
        uint[] positions = [.. Enumerable.Range(0, ids.Length - 1).Select(i => (uint)i)];
        using var runner = layer.Open(ParityPackage.Options());

        var expected = layer.Logits(runner, [positions], positions.Length)[0].Select(row => Array.IndexOf(row, row.Max()));

        Assert.Equal(expected, HeadReference.Guesses(package, ids));
    }

    /// <summary>A head over the first ids alone guesses no other, and is right as often where they are what is said.</summary>
    [Theory]
    [InlineData("int8")]
    [InlineData("int4")]
    public void Guesses_OverTheFirstIdsAlone_AreOfThese(string precision)
    {
        using var folder = new TemporaryFolder();
        var source = Write(folder, "qwen3_5_text", Delta, agrees: true);
        using var whole = new ParityPackage(source, precision);
        using var part = new ParityPackage(source, precision, draftVocabulary: 200);
        Assert.Equal(new DrafterShape(1, 200), part.Shape.Drafter);
        uint[] ids = Ids(new Random(10), 80);

        var (all, first) = (HeadReference.Guesses(whole, ids), HeadReference.Guesses(part, ids));

        Assert.All(first, guess => Assert.InRange(guess, 0, 199));
        // The coarse half of the codes is enough for most.
        var kept = all.Zip(first).Where(pair => pair.First < 200).ToList();
        Assert.True(kept.Count > 20);
        Assert.InRange(kept.Count(pair => pair.First == pair.Second), kept.Count * 2 / 3, kept.Count);
    }

    /// <summary>A head that a file has in 4 bits is read no further either.</summary>
    [Theory]
    [InlineData("Q4_0")]
    [InlineData("Q4_1")]
    public void Guesses_OverTheFirstIdsOfFourBits_AreTheBestOfThese(string type)
    {
        using var folder = new TemporaryFolder();
        var file = ConvertedFile.Write(
            folder, Write(folder, "qwen3_5_text", Delta, agrees: true, isConverted: true),
            type: (name, shape) => shape.Length > 1 && shape[^1] % 32 == 0 && !name.Contains("conv", StringComparison.Ordinal)
                ? Enum.Parse<GgufType>(type) : GgufType.F32);
        using var whole = new ParityPackage(file, "int4");
        using var part = new ParityPackage(file, "int4", draftVocabulary: 200);
        Assert.Equal(new DrafterShape(1, 384), whole.Shape.Drafter);
        Assert.Equal(new DrafterShape(1, 200), part.Shape.Drafter);
        uint[] ids = Ids(new Random(10), 80);

        var (all, first) = (HeadReference.Guesses(whole, ids), HeadReference.Guesses(part, ids));

        Assert.All(first, guess => Assert.InRange(guess, 0, 199));
        var kept = all.Zip(first).Where(pair => pair.First < 200).ToList();
        Assert.True(kept.Count > 20);
        Assert.All(kept, pair => Assert.Equal(pair.First, pair.Second));
    }

    /// <summary>Settings that ask for a head which is not there end the start, and say what to do.</summary>
    [Fact]
    public void Open_DraftsByAHeadThatIsNotThere_IsRefusedWithTheFix()
    {
        using var folder = new TemporaryFolder();
        var source = RandomCheckpoint.Write(folder, "qwen3", """{"head_dim":16}""", seed: 3);
        var destination = folder.File("package");
        ModelImport.Run(new ImportOptions { Source = source, Destination = destination, Precision = "int8" });
        var options = new GeneratorOptions { PackageDirectory = destination, Drafts = "head" };

        var fault = Assert.Throws<InvalidDataException>(
            () => new PackageOpener(Options.Create(options), NullLoggerFactory.Instance).Open());

        Assert.Contains("shape.drafter is missing, and Generator:Drafts is head", fault.Message, StringComparison.Ordinal);
        Assert.Contains("Import the model again", fault.Message, StringComparison.Ordinal);
        (options.DraftTokensMax, options.Device) = (0, "cuda");
        var failures = new GeneratorOptionsRules().Validate(null, options).FailureMessage;
        Assert.Contains("Generator:DraftTokensMax 0", failures, StringComparison.Ordinal);
        Assert.Contains("on the CPU alone", failures, StringComparison.Ordinal);
    }

    [Fact]
    public void Import_OfABlockThatIsNotThere_IsSaid()
    {
        using var folder = new TemporaryFolder();
        var source = RandomCheckpoint.Write(folder, "qwen3_5_text", Delta, seed: 3);
        RandomCheckpoint.Change(source, tensors =>
        {
            foreach (var name in tensors.Keys.Where(name => name.StartsWith("model.layers.4.", StringComparison.Ordinal)).ToList())
                tensors.Remove(name);
        });
        using var package = new ParityPackage(source);

        Assert.Null(package.Shape.Drafter);
        Assert.Contains(package.Result.Notes, note => note.Contains("the checkpoint lacks it", StringComparison.Ordinal));
    }

    private static string Write(TemporaryFolder folder, string modelType, string fields, bool agrees, bool isConverted = false)
    {
        // An embedding that is the head, too, would say the same token again and again.
        var source = RandomCheckpoint.Write(
            folder, modelType, fields.Replace("{", """{"tie_word_embeddings":false,""", StringComparison.Ordinal), seed: 3);
        RandomCheckpoint.Change(source, tensors =>
        {
            if (agrees)
                HeadReference.Agree(tensors, layers: 4, addsOne: modelType.StartsWith("qwen", StringComparison.Ordinal));
            // A converter knows the block by the names that all families have for it.
            if (modelType.StartsWith("qwen", StringComparison.Ordinal) && !isConverted)
                HeadReference.NameAsQwen(tensors, layers: 4);
        });
        return source;
    }

    private static uint[] Ids(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (uint)random.Next(2, 384))];

    private static (uint, string)[] Bits(IEnumerable<StreamedToken> tokens) =>
    [
        .. tokens.Select(token => (token.Id, string.Join(' ', token.Detail!.Top.Select(top => top.Logprob)
            .Prepend(token.Detail.Logprob!.Value).Select(BitConverter.SingleToInt32Bits)))),
    ];

    private static void AssertSame(IReadOnlyList<(uint, string)[]> expected, StreamedToken[][] actual, string how)
    {
        foreach (var (i, tokens) in actual.Index())
            Assert.True(expected[i].SequenceEqual(Bits(tokens)), $"sequence {i} {how} has other bits");
    }
}
