using System.Text.Json;
using Parley.ModelImporter.Inspection;
using Parley.ModelImporter.Synthesis;
using Parley.PackageFormat;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Inspection;

public sealed class ModelTreeTests
{
    private const string Llama1B = """
        {"architectures":["LlamaForCausalLM"],"model_type":"llama",
         "hidden_size":2048,"intermediate_size":8192,"num_hidden_layers":16,"num_attention_heads":32,
         "num_key_value_heads":8,"vocab_size":128256,"max_position_embeddings":131072,"rms_norm_eps":1e-5,"rope_theta":500000.0,
         "tie_word_embeddings":true}
        """;

    /// <summary>Qwen 3 30B-A3B by its configuration: 3.3 of 30.5 billion weights a token, of the embedding one row.</summary>
    [Fact]
    public void Meaning_OfAMixture_SaysWhatATokenReads()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), """
            {"model_type":"qwen3_moe","hidden_size":2048,"intermediate_size":6144,"moe_intermediate_size":768,"num_hidden_layers":48,
             "num_attention_heads":32,"num_key_value_heads":4,"head_dim":128,"num_experts":128,"num_experts_per_tok":8,
             "norm_topk_prob":true,"vocab_size":151936,"max_position_embeddings":40960}
            """);

        var tree = ModelTree.Read(folder.Path);

        Assert.Equal(30_532_122_624, tree.Parameters);
        Assert.Contains("layers 0-47 have 128 experts, of which a token goes through 8; each is SiLU(gate) · up, 768 wide", tree.Meaning);
        Assert.Contains("the router takes the best of a softmax over all experts, divided by their sum", tree.Meaning);
        Assert.Contains(tree.Meaning, line => line.StartsWith("a token reads 3,0", StringComparison.Ordinal)
            && line.Contains("of the 30,532,122,624 weights", StringComparison.Ordinal));
        Assert.Contains("(0-127): 128 x Qwen3MoeMLP(", tree.Root.ToText(), StringComparison.Ordinal);
        Assert.Equal(new MixtureShape(128, 8, 768), ModelTree.ReadShape(folder.Path).Mixture);
    }

    /// <summary>GLM-4.5 Air's ways: a dense layer, a shared MLP, a corrected choice.</summary>
    [Fact]
    public void Meaning_OfADenseLayerAndASharedMlp_NamesThem()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), """
            {"model_type":"glm4_moe","hidden_size":256,"num_hidden_layers":4,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":64,
             "n_routed_experts":8,"num_experts_per_tok":2,"moe_intermediate_size":96,"intermediate_size":320,"routed_scaling_factor":2.5,
             "n_group":2,"vocab_size":512}
            """);

        var meaning = ModelTree.Read(folder.Path).Meaning;

        Assert.Contains("the MLP of layers 0 is SiLU(gate) · up, 320 wide", meaning);
        Assert.Contains("beside the experts every token goes through an MLP of 96", meaning);
        Assert.Contains(
            "the router takes the best sigmoids, with a correction for the choice alone, from the best 1 of 2 groups, divided by their "
            + "sum, × 2.5", meaning);
    }

    [Fact]
    public void Tree_Llama1B_ReadsAsTheWalkThroughPrintsIt()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), Llama1B);

        var tree = ModelTree.Read(folder.Path);

        Assert.Equal(
            """
            LlamaForCausalLM(
              (model): LlamaModel(
                (embed_tokens): Embedding(128256, 2048)
                (layers): ModuleList(
                  (0-15): 16 x LlamaDecoderLayer(
                    (self_attn): LlamaSdpaAttention(
                      (q_proj): Linear(in_features=2048, out_features=2048, bias=False)
                      (k_proj): Linear(in_features=2048, out_features=512, bias=False)
                      (v_proj): Linear(in_features=2048, out_features=512, bias=False)
                      (o_proj): Linear(in_features=2048, out_features=2048, bias=False)
                      (rotary_emb): LlamaRotaryEmbedding()
                    )
                    (mlp): LlamaMLP(
                      (gate_proj): Linear(in_features=2048, out_features=8192, bias=False)
                      (up_proj): Linear(in_features=2048, out_features=8192, bias=False)
                      (down_proj): Linear(in_features=8192, out_features=2048, bias=False)
                      (act_fn): SiLU()
                    )
                    (input_layernorm): LlamaRMSNorm((2048,), eps=1e-05)
                    (post_attention_layernorm): LlamaRMSNorm((2048,), eps=1e-05)
                  )
                )
                (norm): LlamaRMSNorm((2048,), eps=1e-05)
                (rotary_emb): LlamaRotaryEmbedding()
              )
              (lm_head): Linear(in_features=2048, out_features=128256, bias=False)
            )

            """,
            tree.Root.ToText());
        Assert.Equal((1_235_814_400, 65_536), (tree.Parameters, tree.CacheBytesPerToken));
    }

    [Fact]
    public void Tree_AFolder_NamesEachFileAndTheSizeOfEachPrecision()
    {
        using var folder = new TemporaryFolder();
        var source = Fixture.Folder(Fixture.UntiedHeadDim32);
        var tree = ModelTree.Read(source);

        Assert.Contains("out_features=128, bias=True", tree.ToText(), StringComparison.Ordinal);
        Assert.All(tree.Files.Where(file => file.Name != "expected.json"),
            file => Assert.DoesNotContain("does not read", file.Decides, StringComparison.Ordinal));
        foreach (var size in tree.Sizes)
        {
            var package = folder.File(size.Precision);
            int[]? calibration = size.Precision == "int4" ? [1, 2, 3] : null;
            ModelImport.Run(new ImportOptions
            {
                Source = source,
                Destination = package,
                Precision = size.Precision,
                CalibrationIds = calibration,
            });
            Assert.Equal(new FileInfo(Path.Combine(package, "model.data")).Length, size.Bytes);
        }

        Assert.Contains("\"Decides\"", JsonSerializer.Serialize(tree), StringComparison.Ordinal);
    }

    /// <summary>The configuration in words: what attends to what, positions, norms, factors, and what fits.</summary>
    [Fact]
    public void Tree_OfAnotherFamily_SaysWhatItsConfigurationDoes()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), """
            {"model_type":"gemma3_text","num_hidden_layers":7,"hidden_size":64,"intermediate_size":96,"num_attention_heads":4,
             "num_key_value_heads":2,"head_dim":16,"vocab_size":384,"max_position_embeddings":512,"sliding_window":16,
             "query_pre_attn_scalar":64,"rope_scaling":{"rope_type":"linear","factor":8.0}}
            """);

        var tree = ModelTree.Read(folder.Path);

        Assert.Contains("(q_norm): Gemma3RMSNorm((16,), eps=1e-06)", tree.ToText(), StringComparison.Ordinal);
        Assert.Contains("(pre_feedforward_layernorm): Gemma3RMSNorm", tree.ToText(), StringComparison.Ordinal);
        string[] expected =
        [
            "7 layers over 64 numbers; 4 query heads share 2 key/value heads of 16",
            "layers 5 attend to everything before",
            "layers 0-4, 6 attend to the last 16 tokens",
            "positions of layers 0-4, 6: the whole head rotated by halves, base 10,000",
            "positions of layers 5: the whole head rotated by halves, base 1,000,000, all frequencies divided by 8",
            "scores are scaled by 0.125, not by 1/√16",
            "each query and key head is normalised before its rotation",
            "RMS norm (1 + w) before and behind attention and MLP",
            "the MLP is GELU (tanh)(gate) · up, 96 wide",
            "embeddings × 8",
            "embedding and head are one matrix of 384 tokens",
        ];
        Assert.Equal(expected, tree.Meaning);
        Assert.Contains("does not fit", ModelFit.Describe(tree, memoryBytes: 1000).Last(), StringComparison.Ordinal);
        Assert.Contains("at its whole context of 512 tokens", ModelFit.Describe(tree, 1L << 34).Last(), StringComparison.Ordinal);
    }

    [Fact]
    public void Synthesizer_Tiny_WritesACheckpointThatImports()
    {
        using var folder = new TemporaryFolder();
        var synthesised = Synthesizer.Run(new SynthesisOptions { Shape = "tiny", Destination = folder.File("tiny"), Seed = 7 });
        var again = Synthesizer.Run(new SynthesisOptions { Shape = "tiny", Destination = folder.File("again"), Seed = 7 });
        var other = Synthesizer.Run(new SynthesisOptions { Shape = "tiny", Destination = folder.File("other"), Seed = 8 });

        Assert.Equal(ModelImport.SourceHash(synthesised.Path), ModelImport.SourceHash(again.Path));
        Assert.NotEqual(ModelImport.SourceHash(synthesised.Path), ModelImport.SourceHash(other.Path));
        var package = ModelImport.Run(new ImportOptions
        {
            Source = synthesised.Path,
            Destination = folder.File("package"),
            Precision = "fp32"
        });
        Assert.Equal(synthesised.Parameters, package.Parameters);
        Assert.All(new ReferenceForward(synthesised.Path).Logits([256, 72, 105])[^1], logit => Assert.True(float.IsFinite(logit)));
    }
}
