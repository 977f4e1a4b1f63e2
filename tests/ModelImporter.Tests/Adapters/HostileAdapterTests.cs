using System.Text.Json.Nodes;
using Parley.ModelImporter.Tests.Parity;

namespace Parley.ModelImporter.Tests.Adapters;

/// <summary>Adapters that are damaged, for another base, or ask for what is not computed: each is refused by what is wrong in it.</summary>
public sealed class HostileAdapterTests : IDisposable
{
    private const string Query = "model.layers.1.self_attn.q_proj";
    private const string A = Query + ".lora_A.weight";
    private const string B = Query + ".lora_B.weight";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("""{"peft_type":"IA3"}""", "peft_type is \"IA3\"")]
    [InlineData("""{"peft_type":null}""", "peft_type is missing")]
    [InlineData("""{"layer_replication":[[0,2],[1,3]]}""", "layer_replication is set")]
    [InlineData("""{"target_parameters":["mlp.experts.down_proj"]}""", "target_parameters is set")]
    [InlineData("""{"trainable_token_indices":[1,2]}""", "trainable_token_indices is set")]
    [InlineData("""{"alora_invocation_tokens":[5]}""", "alora_invocation_tokens is set")]
    [InlineData("""{"use_qalora":true}""", "use_qalora is set")]
    [InlineData("""{"something_of_tomorrow":{"a":1}}""", "something_of_tomorrow is set")]
    [InlineData("""{"init_lora_weights":"pissa_niter_4"}""", "init_lora_weights is \"pissa_niter_4\"")]
    [InlineData("""{"bias":"some"}""", "bias is \"some\"")]
    [InlineData("""{"r":0}""", "r is 0")]
    [InlineData("""{"r":"4"}""", "r is \"4\"")]
    [InlineData("""{"r":8}""", "its rank is 4, adapter_config.json says 8")]
    [InlineData("""{"rank_pattern":{"q_proj":2}}""", "its rank is 4, adapter_config.json says 2")]
    [InlineData("""{"rank_pattern":{"q_proj":0}}""", "rank_pattern.q_proj is 0")]
    [InlineData("""{"rank_pattern":{"q_proj":1.5}}""", "rank_pattern.q_proj is 1.5")]
    [InlineData("""{"rank_pattern":["q_proj"]}""", "rank_pattern is [\"q_proj\"], not an object")]
    [InlineData("""{"alpha_pattern":{"q_proj":"8"}}""", "alpha_pattern.q_proj is \"8\", not a number")]
    [InlineData("""{"alpha_pattern":{"(q_proj":8}}""", "alpha_pattern is the expression (q_proj")]
    [InlineData("""{"alpha_pattern":{"(?=q)q_proj":8}}""", "alpha_pattern is the expression (?=q)q_proj")]
    [InlineData("""{"alpha_pattern":{"(a{99}){99}":8}}""", "alpha_pattern is an expression with 9801 repetitions")]
    [InlineData("""{"lora_alpha":1e300}""", "the scaling of model.layers.1.self_attn.q_proj is 2.5e+299")]
    [InlineData("""{"lora_alpha":"many"}""", "lora_alpha is \"many\", not a number")]
    [InlineData("""{"target_modules":["k_proj"]}""", "it has a low-rank product, but is none of the modules")]
    [InlineData("""{"target_modules":".*layers\\.0\\..*"}""", "it has a low-rank product, but is none of the modules")]
    [InlineData("""{"target_modules":"(?<!x)q_proj"}""", "target_modules is the expression (?<!x)q_proj")]
    [InlineData("""{"target_modules":{"q_proj":1}}""", "target_modules is {\"q_proj\":1}, not a list of texts")]
    [InlineData("""{"layers_to_transform":[0,2]}""", "it has a low-rank product, but is none of the modules")]
    [InlineData("""{"layers_to_transform":1,"layers_pattern":"blocks"}""", "it has a low-rank product, but is none of the modules")]
    [InlineData("""{"exclude_modules":["q_proj"]}""", "it has a low-rank product, but is none of the modules")]
    [InlineData("""{"use_dora":true}""", "use_dora is set, but it has no lora_magnitude_vector")]
    [InlineData("""{"lora_bias":true}""", "lora_bias is set, but its second factor has no bias")]
    [InlineData("""{"modules_to_save":["lm_head"]}""", "modules_to_save names lm_head, of which adapter_model.safetensors has no weights")]
    public void Config_OfAnotherKind_IsRefusedByItsField(string fields, string message)
    {
        var adapter = new AdapterFolder(_folder, fields).Product(Query, 64, 64);

        AssertRefused(adapter.Write(), message);
    }

    /// <summary>What is done to the tensors of a good adapter, and what is said of it.</summary>
    public static TheoryData<string, string> Tensors { get; } = new()
    {
        { "without A", $"module {Query}: base_model.model.{B} stands there without the other factor" },
        { "without B", $"module {Query}: base_model.model.{A} stands there without the other factor" },
        { "other rank", $"module {Query}: its factors [4, 64] and [64, 3] have different ranks" },
        { "vector", $"module {Query}: its factors have the shapes [64] and [64, 4], which are no matrices" },
        { "no rank", $"module {Query}: its rank is 0, not 1 to 16384" },
        { "wider", $"module {Query}: its product has the shape [64, 96], the base's matrix [64, 64]" },
        { "longer", $"module {Query}: its product has the shape [128, 64], the base's matrix [64, 64]" },
        { "NaN", $"module {Query}: base_model.model.{A} holds a number that is infinite or none" },
        { "infinity", $"module {Query}: base_model.model.{B} holds a number that is infinite or none" },
        { "too large", $"module {Query}: scaled factor holds a number that is infinite or none" },
        { "unknown module", "module model.layers.1.self_attn.w_proj: the base has no such module" },
        { "unknown layer", "module model.layers.9.self_attn.q_proj: the base has no such module" },
        { "other tensor", $"tensor base_model.model.{Query}.lora_C is none that a LoRA adapter has" },
        { "two adapters", "it holds several adapters, one and two" },
        { "twice", "another module of the adapter means the same" },
        { "two names", "mean the same" },
        { "magnitude", "it has a lora_magnitude_vector, but use_dora is not set" },
        { "bias", "is there, but adapter_config.json says that bias is none" },
        { "head of another vocabulary", "module lm_head: base_model.model.lm_head.weight has the shape [400, 64], the base's [384, 64]" },
        { "nothing", "it holds weights of 0 modules" },
    };

    [Theory]
    [MemberData(nameof(Tensors))]
    public void Weights_ThatDoNotFit_AreRefusedByTheirModule(string kind, string message)
    {
        var adapter = new AdapterFolder(_folder, """{"target_modules":"all-linear"}""").Product(Query, 64, 64);
        _ = kind switch
        {
            "without A" => adapter.Without(A),
            "without B" => adapter.Without(B),
            "other rank" => adapter.Add(B, 64, 3),
            "vector" => adapter.Add(A, 64),
            "no rank" => Empty(adapter),
            "wider" => adapter.Add(A, 4, 96),
            "longer" => adapter.Add(B, 128, 4),
            "NaN" => adapter.Change(A, values => values[7] = float.NaN),
            "infinity" => adapter.Change(B, values => values[7] = float.NegativeInfinity),
            "too large" => adapter.Change(B, values => values[7] = float.MaxValue),
            "unknown module" => adapter.Product("model.layers.1.self_attn.w_proj", 64, 64),
            "unknown layer" => adapter.Product("model.layers.9.self_attn.q_proj", 64, 64),
            "other tensor" => adapter.Add($"{Query}.lora_C", 4),
            "two adapters" => adapter.Without(A).Without(B)
                .Add($"{Query}.lora_A.one.weight", 4, 64).Add($"{Query}.lora_B.two.weight", 64, 4),
            "twice" => adapter.Product("layers.1.self_attn.q_proj", 64, 64),
            "two names" => adapter.Add($"{Query}.lora_A.one.weight", 4, 64),
            "magnitude" => adapter.Add($"{Query}.lora_magnitude_vector", 64),
            "bias" => adapter.Add($"{Query}.base_layer.bias", 64),
            "head of another vocabulary" => adapter.Add("lm_head.weight", 400, 64),
            _ => adapter.Without(A).Without(B),
        };

        AssertRefused(adapter.Write(), message);
    }

    [Theory]
    [InlineData("""{"lora_bias":true}""", ".lora_B.bias", "it has a bias, but that of the base has none")]
    [InlineData("""{"bias":"all"}""", ".base_layer.bias", "it has a bias, but that of the base has none")]
    public void Bias_OfAModuleWithout_IsRefused(string fields, string tensor, string message)
    {
        var adapter = new AdapterFolder(_folder, fields).Product(Query, 64, 64).Add(Query + tensor, 64);

        AssertRefused(adapter.Write(), $"module {Query}: {message}");
    }

    [Fact]
    public void Folders_ThatAreNoAdapters_AreRefused()
    {
        var adapter = new AdapterFolder(_folder).Product(Query, 64, 64).Write();
        AssertRefused(_folder.File("nowhere"), "is neither a folder with adapter_config.json nor a .gguf file");
        File.Move(Path.Combine(adapter, "adapter_model.safetensors"), Path.Combine(adapter, "adapter_model.bin"));
        AssertRefused(adapter, "adapter_model.bin is pickled");
        File.Delete(Path.Combine(adapter, "adapter_model.bin"));
        AssertRefused(adapter, "adapter_model.safetensors is missing; an adapter has its weights there");
        File.WriteAllText(Path.Combine(adapter, "adapter_model.safetensors"), "no tensors");
        AssertRefused(adapter, "adapter_model.safetensors");
        File.WriteAllText(Path.Combine(adapter, "adapter_config.json"), "[]");
        AssertRefused(adapter, "adapter_config.json: not a JSON object");
        File.Delete(Path.Combine(adapter, "adapter_config.json"));
        AssertRefused(adapter, "adapter_config.json is missing");
    }

    /// <summary>What is done to a good file of llama.cpp's, and what is said of it.</summary>
    public static TheoryData<string, string> GgufFiles { get; } = new()
    {
        { "general.type", "general.type is model, not adapter" },
        { "adapter.type", "adapter.type is control_vector, not lora" },
        { "adapter.lora.alpha", "adapter.lora.alpha is missing, not a number" },
        { "infinite alpha", "adapter.lora.alpha is Infinity, not a number" },
        { "general.architecture", "general.architecture is other; supported: llama" },
        { "another family", "the adapter is for qwen2, the base is llama" },
        { "invocation", "adapter.alora.invocation_tokens is set" },
        { "half", "module blk.1.attn_q.weight: blk.1.attn_q.weight.lora_a stands there without the other factor" },
        { "unknown", "module blk.1.attn_z.weight: the architecture llama has no such matrix" },
        { "norm", "module model.layers.1.input_layernorm: its product has the shape" },
        { "plain tensor", "tensor blk.1.attn_q.weight ends neither in .lora_a nor in .lora_b" },
        { "heads", "module model.layers.1.self_attn.q_proj: its product has the shape [60, 64], the base's matrix [64, 64]" },
        { "type", "is of the type I32; convert the adapter as f32" },
    };

    [Theory]
    [MemberData(nameof(GgufFiles))]
    public void GgufFile_OfAnotherKind_IsRefusedByItsKeyOrTensor(string kind, string message)
    {
        var writer = new GgufWriter();
        writer.Add("general.type", kind == "general.type" ? "model" : "adapter");
        writer.Add("general.architecture", kind switch { "general.architecture" => "other", "another family" => "qwen2", _ => "llama" });
        writer.Add("adapter.type", kind == "adapter.type" ? "control_vector" : "lora");
        if (kind != "adapter.lora.alpha")
            writer.Add("adapter.lora.alpha", kind == "infinite alpha" ? float.PositiveInfinity : 8f);
        if (kind == "invocation")
            writer.Add("adapter.alora.invocation_tokens", new[] { 1, 2 });
        var name = kind switch { "unknown" => "blk.1.attn_z.weight", "norm" => "blk.1.attn_norm.weight", _ => "blk.1.attn_q.weight" };
        writer.Add(kind == "plain tensor" ? name : $"{name}.lora_a", kind == "type" ? 26u : 0u, [4, 64], new byte[1024]);
        if (kind != "half")
            writer.Add($"{name}.lora_b", 0, [kind == "heads" ? 60 : 64, 4], new byte[(kind == "heads" ? 60 : 64) * 16]);

        AssertRefused(writer.Write(_folder.File("adapter.gguf")), message);
    }

    [Theory]
    [InlineData(8f, 2)]
    [InlineData(0f, 1)]
    public void GgufEmbedding_WithRowsOfIds_IsAdded(float alpha, double scale)
    {
        var source = RandomCheckpoint.Write(_folder, "llama", "{}", 3);
        var random = new Random(5);
        var (a, b) = (Numbers(384 * 4), Numbers(64 * 4));
        var writer = GgufAdapterFolder.Create(alpha);
        GgufAdapterFolder.Add(writer, "token_embd.weight.lora_a", [384, 4], a);
        GgufAdapterFolder.Add(writer, "token_embd.weight.lora_b", [64, 4], b);

        using var merged = CheckpointReader.Open(source, adapters: writer.Write(_folder.File("adapter.gguf")));
        using var plain = CheckpointReader.Open(source);

        var (own, actual) = (new float[384 * 64], new float[384 * 64]);
        plain.Tensors.Read("model.embed_tokens.weight", 0, own);
        merged.Tensors.Read("model.embed_tokens.weight", 0, actual);
        var expected = own.Select((weight, i) =>
            (float)(weight + (scale * Enumerable.Range(0, 4).Sum(r => (double)a[(i / 64 * 4) + r] * b[(i % 64 * 4) + r])))).ToArray();
        Assert.InRange(Fixture.RelativeError(actual, expected), 0, 3e-7);

        float[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.5))];
    }

    [Fact]
    public void Patterns_MoreThanAreMatched_AreRefused()
    {
        var keys = new JsonObject(Enumerable.Range(0, 300).Select(i => KeyValuePair.Create<string, JsonNode?>($"q_pro[a-k]{i}", 8)));
        var adapter = new AdapterFolder(_folder, new JsonObject { ["alpha_pattern"] = keys }.ToJsonString()).Product(Query, 64, 64);
        AssertRefused(adapter.Write(), "alpha_pattern is 300 keys, 300 of them expressions");
    }

    /// <summary>Whether it is found when the adapter is opened, or merged, or when a matrix is read.</summary>
    private void AssertRefused(string adapter, string message)
    {
        var source = Directory.Exists(_folder.File("source")) ? _folder.File("source") : RandomCheckpoint.Write(_folder, "llama", "{}", 3);
        var error = Assert.Throws<InvalidDataException>(() =>
        {
            using var checkpoint = CheckpointReader.Open(source, adapters: adapter);
            checkpoint.Tensors.Read($"{Query}.weight", 0, new float[64 * 64]);
        });
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    private static AdapterFolder Empty(AdapterFolder adapter) =>
        adapter.Without(A).Without(B).AddEmpty(A, 0, 64).AddEmpty(B, 64, 0);
}
