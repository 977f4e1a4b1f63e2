using Parley.ModelImporter.Tests.Parity;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Adapters;

/// <summary>What each field of an adapter makes of the tensors of a small random checkpoint, against the same in double.</summary>
public sealed class MergedTensorTests : IDisposable
{
    private const double Scale = 2;
    private const double Bound = 3e-7;
    private const string Query = "model.layers.1.self_attn.q_proj";
    private const string Value = "model.layers.0.self_attn.v_proj";
    private const string Down = "model.layers.2.mlp.down_proj";
    private const string Embedding = "model.embed_tokens";
    private const string Head = "lm_head";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("{}", 2)]
    [InlineData("""{"use_rslora":true}""", 4)]
    [InlineData("""{"lora_alpha":3}""", 0.75)]
    [InlineData("""{"alpha_pattern":{"q_proj":2}}""", 0.5)]
    [InlineData("""{"alpha_pattern":{"proj":2}}""", 2)]
    [InlineData("""{"alpha_pattern":{"k_proj":1,"layers\\.[13]\\..*_proj":16,"q_proj":2}}""", 4)]
    [InlineData("""{"alpha_pattern":{"model.layers.1.self_attn.q_proj":24}}""", 6)]
    [InlineData("""{"target_modules":"model\\.layers\\.\\d+\\.self_attn\\.(q|v)_proj"}""", 2)]
    [InlineData("""{"target_modules":"all-linear"}""", 2)]
    [InlineData("""{"target_modules":null}""", 2)]
    [InlineData("""{"target_modules":["model.layers.1.self_attn.q_proj","self_attn.v_proj"]}""", 2)]
    [InlineData("""{"layers_to_transform":[0,1]}""", 2)]
    [InlineData("""{"layers_to_transform":[0,1],"layers_pattern":"layers"}""", 2)]
    [InlineData("""{"layers_to_transform":[0,1],"layers_pattern":["h","layers"]}""", 2)]
    [InlineData("""{"exclude_modules":["k_proj"]}""", 2)]
    [InlineData("""{"exclude_modules":".*\\.o_proj"}""", 2)]
    [InlineData("""{"init_lora_weights":"gaussian","lora_dropout":0.1,"task_type":"CAUSAL_LM","fan_in_fan_out":true}""", 2)]
    public void Product_ByItsFields_IsAddedWithItsScale(string fields, double scale)
    {
        var source = Base("llama");
        var adapter = new AdapterFolder(_folder, fields).Product(Query, 64, 64).Product(Value, 32, 64);

        using var merged = CheckpointReader.Open(source, adapters: adapter.Write());

        // A pattern of one module leaves the scale of the other.
        AssertClose(adapter.Merge(Read(source, Query), Query, scale), Read(merged, Query));
        AssertUntouched(source, merged, Query, Value);
    }

    [Fact]
    public void Rank_ByPattern_DecidesScaleToo()
    {
        var source = Base("llama");
        var adapter = new AdapterFolder(_folder, """{"rank_pattern":{"layers.1.self_attn.q_proj":2}}""")
            .Product(Query, 64, 64, rank: 2).Product(Value, 32, 64);

        using var merged = CheckpointReader.Open(source, adapters: adapter.Write());

        AssertClose(adapter.Merge(Read(source, Query), Query, 4), Read(merged, Query));
        AssertClose(adapter.Merge(Read(source, Value), Value, 2), Read(merged, Value));
    }

    [Theory]
    [InlineData("", "", "")]
    [InlineData("base_model.model.", "model.", ".default")]
    [InlineData("base_model.model.", "model.language_model.", "")]
    [InlineData("base_model.model.", "language_model.model.", ".mine")]
    [InlineData("base_model.model.", "", "")]
    public void Names_WithAnyPrefix_AreTheSameModules(string wrapper, string prefix, string within)
    {
        var source = Base("llama");
        var module = Query.Replace("model.", prefix, StringComparison.Ordinal);
        var adapter = new AdapterFolder(_folder) { Prefix = wrapper, Within = within }.Product(module, 64, 64);

        using var merged = CheckpointReader.Open(source, adapters: adapter.Write());

        AssertClose(adapter.Merge(Read(source, Query), module, Scale), Read(merged, Query));
        AssertUntouched(source, merged, Query);
    }

    [Fact]
    public void Magnitudes_OfADora_AreTheLengthsOfTheRows()
    {
        var source = Base("llama");
        var adapter = new AdapterFolder(_folder, """{"use_dora":true}""").Product(Query, 64, 64)
            .Add($"{Query}.lora_magnitude_vector", 64);
        var lengths = adapter.Tensors[$"{AdapterFolder.Wrapper}{Query}.lora_magnitude_vector"].Values;
        var expected = adapter.Merge(Read(source, Query), Query, Scale);
        foreach (var row in Enumerable.Range(0, 64))
        {
            var values = expected.AsSpan(row * 64, 64);
            var length = Math.Sqrt(values.ToArray().Sum(value => value * value));
            foreach (ref var value in values)
                value *= lengths[row] / length;
        }

        using var merged = CheckpointReader.Open(source, adapters: adapter.Write());

        AssertClose(expected, Read(merged, Query));
        // A run that begins within a row, and ends within another.
        var run = new float[100];
        merged.Tensors.Read($"{Query}.weight", 30, run);
        AssertClose(expected[30..130], run);
    }

    [Fact]
    public void Biases_OfTheAdapter_StandInThePlaceOfTheBases()
    {
        var source = Base("qwen2");
        var adapter = new AdapterFolder(_folder, """{"bias":"lora_only"}""").Product(Query, 64, 64)
            .Add($"{Query}.base_layer.bias", 64).Add("model.layers.3.self_attn.k_proj.bias", 32);

        using var merged = CheckpointReader.Open(source, adapters: adapter.Write());

        AssertClose(adapter.Merge(Read(source, Query), Query, Scale), Read(merged, Query));
        Assert.Equal(adapter.Tensors[$"{AdapterFolder.Wrapper}{Query}.base_layer.bias"].Values, Read(merged, Query, "bias"));
        Assert.Equal(
            adapter.Tensors[$"{AdapterFolder.Wrapper}model.layers.3.self_attn.k_proj.bias"].Values,
            Read(merged, "model.layers.3.self_attn.k_proj", "bias"));
    }

    [Fact]
    public void BiasOfTheSecondFactor_IsAddedWithTheScale()
    {
        var source = Base("qwen2");
        var adapter = new AdapterFolder(_folder, """{"lora_bias":true}""").Product(Query, 64, 64).Add($"{Query}.lora_B.bias", 64);
        var update = adapter.Tensors[$"{AdapterFolder.Wrapper}{Query}.lora_B.bias"].Values;

        using var merged = CheckpointReader.Open(source, adapters: adapter.Write());

        AssertClose([.. Read(source, Query, "bias").Zip(update, (own, more) => own + (Scale * more))], Read(merged, Query, "bias"));
    }

    [Fact]
    public void Modules_SavedWhole_StandInThePlaceOfTheBases()
    {
        var source = Base("llama");
        var adapter = new AdapterFolder(_folder, """{"modules_to_save":["lm_head","norm","input_layernorm"]}""").Product(Query, 64, 64)
            .Add("lm_head.weight", 384, 64).Add("model.norm.modules_to_save.default.weight", 64)
            .Add("model.layers.2.input_layernorm.weight", 64).Add("model.norm.original_module.weight", 64);

        using var merged = CheckpointReader.Open(source, adapters: adapter.Write());

        Assert.Equal(adapter.Tensors[AdapterFolder.Wrapper + "lm_head.weight"].Values, Read(merged, Head));
        Assert.Equal(
            adapter.Tensors[AdapterFolder.Wrapper + "model.norm.modules_to_save.default.weight"].Values, Read(merged, "model.norm"));
        Assert.Equal(
            adapter.Tensors[AdapterFolder.Wrapper + "model.layers.2.input_layernorm.weight"].Values,
            Read(merged, "model.layers.2.input_layernorm"));
    }

    [Fact]
    public void Embedding_WithAProductOverItsOwnBase_IsBoth()
    {
        var source = Base("llama");
        var adapter = new AdapterFolder(_folder, """{"target_modules":["embed_tokens"]}""").Embedding(Embedding, 384, 64)
            .Add($"{Embedding}.base_layer.weight", 384, 64);
        var own = adapter.Tensors[$"{AdapterFolder.Wrapper}{Embedding}.base_layer.weight"].Values;

        using var merged = CheckpointReader.Open(source, adapters: adapter.Write());

        AssertClose(adapter.MergeRows(own, Embedding, Scale), Read(merged, Embedding));
        AssertUntouched(source, merged, Embedding);
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void Embedding_OfATiedPair_ChangesTheHeadWhereItIsSaid(bool ensures, bool separates)
    {
        var source = Base("llama", """{"tie_word_embeddings":true}""");
        var adapter = new AdapterFolder(_folder,
            $$"""{"target_modules":["embed_tokens"],"ensure_weight_tying":{{(ensures ? "true" : "false")}}}""")
            .Embedding(Embedding, 384, 64);

        using var merged = CheckpointReader.Open(source, adapters: adapter.Write());

        AssertClose(adapter.MergeRows(Read(source, Embedding), Embedding, Scale), Read(merged, Embedding));
        Assert.Equal(!separates, merged.Config.Shape.TiedEmbeddings);
        if (separates)
            Assert.Equal(Read(source, Embedding), Read(merged, Head));
    }

    [Fact]
    public void Head_OfATiedPair_LeavesTheEmbedding()
    {
        var source = Base("llama", """{"tie_word_embeddings":true}""");
        var adapter = new AdapterFolder(_folder, """{"target_modules":["lm_head"]}""").Product(Head, 384, 64);

        using var merged = CheckpointReader.Open(source, adapters: adapter.Write());

        Assert.False(merged.Config.Shape.TiedEmbeddings);
        AssertClose(adapter.Merge(Read(source, Embedding), Head, Scale), Read(merged, Head));
        Assert.Equal(Read(source, Embedding), Read(merged, Embedding));
    }

    [Fact]
    public void Adapters_OneAfterTheOther_AreMergedInThatOrder()
    {
        var source = Base("llama");
        var first = new AdapterFolder(_folder, name: "first").Product(Query, 64, 64);
        var second = new AdapterFolder(_folder, """{"target_modules":["down_proj","q_proj"],"lora_alpha":2}""", "second")
            .Product(Down, 64, 96).Product(Query, 64, 64);
        string[] both = [first.Write(), second.Write()];

        using var merged = CheckpointReader.Open(source, adapters: both);

        var between = first.Merge(Read(source, Query), Query, Scale).Select(value => (float)value).ToArray();
        AssertClose(second.Merge(between, Query, 0.5), Read(merged, Query));
        AssertClose(second.Merge(Read(source, Down), Down, 0.5), Read(merged, Down));
        var hashes = new[]
        {
            ModelImport.SourceHash(source), ModelImport.SourceHash(source, both), ModelImport.SourceHash(source, both[..1]),
            ModelImport.SourceHash(source, [both[1], both[0]]),
        };
        Assert.Equal(4, hashes.Distinct().Count());
    }

    [Fact]
    public void Import_WithAnAdapter_HasTheHashOfBothAndItsNote()
    {
        var source = Base("llama");
        string[] adapters = [new AdapterFolder(_folder).Product(Query, 64, 64).Write()];
        using var package = new ParityPackage(source, adapters: adapters);

        Assert.Equal(ModelImport.SourceHash(source, adapters), package.Result.SourceSha256);
        Assert.Contains("adapter adapter: merged into 1 modules.", package.Result.Notes);
    }

    [Fact]
    public void Matrices_OfFusedAndGatedModules_TakeTheProductOfTheWhole()
    {
        var source = RandomCheckpoint.Write(
            _folder, "phi3", """{"pad_token_id":0,"bos_token_id":0,"eos_token_id":1,"tie_word_embeddings":false}""", 5);
        var adapter = new AdapterFolder(_folder, """{"target_modules":["qkv_proj","gate_up_proj"]}""")
            .Product("model.layers.1.self_attn.qkv_proj", 128, 64).Product("model.layers.1.mlp.gate_up_proj", 192, 64);

        using var merged = CheckpointReader.Open(source, adapters: adapter.Write());

        const string Qkv = "model.layers.1.self_attn.qkv_proj";
        AssertClose(adapter.Merge(Read(source, Qkv), Qkv, Scale), Read(merged, Qkv));
    }

    [Fact]
    public void Matrices_ThatCameQuantised_AreRoundedAnewFromTheSum()
    {
        var source = Shared.Fixture("quantised", "gptq-actorder-asym-g64");
        var shape = Shape(source, Query);
        var adapter = new AdapterFolder(_folder).Product(Query, shape.Outputs, shape.Inputs);
        var path = adapter.Write();

        using var merged = CheckpointReader.Open(source, adapters: path);

        AssertClose(adapter.Merge(Read(source, Query), Query, Scale), Read(merged, Query));
        Assert.Null(merged.Tensors.GridOf($"{Query}.weight"));
        Assert.NotNull(merged.Tensors.GridOf($"{Value}.weight"));
        Assert.Equal("int4", ModelImport.DefaultPrecision(source, path));
        using var package = new ParityPackage(source, "int4", adapters: path);
        Assert.Contains(
            "adapter adapter: merged into 1 modules; 1 of them came quantised, and are rounded anew from the sum.", package.Result.Notes);
        using var exact = new ParityPackage(source, adapters: path);
        using var runner = package.Open(ParityPackage.Options());
        using var exactRunner = exact.Open(ParityPackage.Options());
        uint[] ids = [.. Enumerable.Range(0, 40).Select(i => (uint)((i * 37) % 384))];
        var error = new LogitError();
        foreach (var (actual, expected) in package.Logits(runner, [ids], 16)[0].Zip(exact.Logits(exactRunner, [ids], 16)[0]))
            error.Add(actual, expected);
        Assert.InRange(error.RootMeanSquare, 0, 0.08);
    }

    /// <summary>An expert's matrix of its own, one that becomes two in the graph, and a tower that is not imported.</summary>
    [Theory]
    [InlineData("olmoe", "model.layers.1.mlp.experts.2.down_proj", "model.layers.1.mlp.experts.2.down_proj")]
    [InlineData("glm4-moe-lite-mla", "model.layers.0.self_attn.kv_a_proj_with_mqa", "model.layers.0.self_attn.kv_a_proj_with_mqa")]
    [InlineData("gemma3-in-multimodal", "model.language_model.layers.1.mlp.down_proj", "model.layers.1.mlp.down_proj")]
    public void Modules_OfOtherFamilies_TakeTheirProduct(string name, string module, string known)
    {
        var source = Shared.Fixture("hf", name);
        var isWrapped = module != known;
        var (outputs, inputs) = Shape(source, known);
        var adapter = new AdapterFolder(_folder, """{"target_modules":"all-linear"}""").Product(module, outputs, inputs);
        if (isWrapped)
            adapter.Product("model.vision_tower.encoder.layers.0.self_attn.q_proj", 24, 24);

        using var merged = CheckpointReader.Open(source, adapters: adapter.Write());

        AssertClose(adapter.Merge(Read(source, known), module, Scale), Read(merged, known));
        Assert.Contains(
            $"adapter adapter: merged into 1 modules{(isWrapped ? "; 1 modules of towers are left out" : "")}.", merged.Config.Notes);
    }

    private string Base(string type, string fields = "{}") => RandomCheckpoint.Write(_folder, type, fields, 3);

    private static (int Outputs, int Inputs) Shape(string source, string module)
    {
        using var checkpoint = CheckpointReader.Open(source);
        var shape = checkpoint.Tensors.Source($"{module}.weight").Shape;
        return ((int)shape[0], (int)shape[1]);
    }

    private static float[] Read(string source, string module, string kind = "weight")
    {
        using var checkpoint = CheckpointReader.Open(source);
        return Read(checkpoint, module, kind);
    }

    private static float[] Read(CheckpointReader checkpoint, string module, string kind = "weight")
    {
        var shape = checkpoint.Tensors.Source($"{module}.{kind}").Shape;
        var values = new float[shape.Aggregate(1L, (a, b) => a * b)];
        checkpoint.Tensors.Read($"{module}.{kind}", 0, values);
        return values;
    }

    /// <summary>All tensors but those of some modules are the base's.</summary>
    private static void AssertUntouched(string source, CheckpointReader merged, params string[] modules)
    {
        using var plain = CheckpointReader.Open(source);
        foreach (var name in plain.Tensors.Names.Where(name => !modules.Any(module => name.StartsWith(module, StringComparison.Ordinal))))
        {
            var module = name[..name.LastIndexOf('.')];
            Assert.Equal(Read(plain, module, name[(module.Length + 1)..]), Read(merged, module, name[(module.Length + 1)..]));
        }
    }

    private static void AssertClose(double[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        var largest = expected.Max(Math.Abs);
        Assert.InRange(expected.Zip(actual, (one, other) => Math.Abs(one - other)).Max(), 0, Bound * largest);
    }
}
