using System.Text.Json.Nodes;
using Parley.ModelImporter.Tests.Parity;

namespace Parley.ModelImporter.Tests.Forms;

/// <summary>Whole checkpoints in forms that no fixture has: what they answer is what the same weights spelled out answer.</summary>
public sealed class WholeCheckpointTests : IDisposable
{
    private const string Up = "model.layers.1.mlp.up_proj";
    private const string Head = "lm_head";

    private const string Delta = """
        {"rms_norm_eps":1e-5,"hidden_size":192,"intermediate_size":160,"full_attention_interval":2,"linear_num_key_heads":2,
         "linear_num_value_heads":6,"linear_key_head_dim":32,"linear_value_head_dim":16,"head_dim":48}
        """;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>A head in the codes of GPTQ, which <c>lm_head: true</c> of its configuration asks for; sorted columns as well.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gptq_WithItsHead_AnswersAsItsWeights(bool isShuffled)
    {
        var source = RandomCheckpoint.Write(_folder, "llama", "{}", seed: 13);
        var (head, up) = (new FormMatrix(384, 64, 32, 4, isShuffled: isShuffled), new FormMatrix(96, 64, 32, 4, isShuffled: isShuffled));
        var plain = CopyTo("plain", source);
        RandomCheckpoint.Change(plain, tensors =>
        {
            tensors[$"{Head}.weight"] = ([384, 64], head.Weights());
            tensors[$"{Up}.weight"] = ([96, 64], up.Weights());
        });
        Quantize(source, (Head, head), (Up, up));

        Assert.Equal(Logits(plain), Logits(source));
        Assert.Equal("int4", ModelImport.DefaultPrecision(source));
        using var package = new ParityPackage(source, "int4");
        using var exact = new ParityPackage(plain);
        using var runner = package.Open(ParityPackage.Options());
        using var exactRunner = exact.Open(ParityPackage.Options());
        var error = new LogitError();
        foreach (var (actual, expected) in package.Logits(runner, [Ids], 16)[0].Zip(exact.Logits(exactRunner, [Ids], 16)[0]))
            error.Add(actual, expected);
        Assert.InRange(error.RootMeanSquare, 0, 0.08);
    }

    /// <summary>The text model of a multimodal checkpoint whose wrapper says the form, and whose names have the wrapper's prefix.</summary>
    [Fact]
    public void Fp8_InAWrapper_AnswersAsTheTextModelAlone()
    {
        var (plain, source) = Fp8Checkpoint.Write(_folder, "qwen3_5_text", Delta, (128, 128));
        var wrapped = new CheckpointCopy(_folder, source, "wrapped");
        wrapped.Rename(name => name.StartsWith("model.", StringComparison.Ordinal) ? $"model.language_model.{name[6..]}" : name);
        var text = JsonNode.Parse(File.ReadAllText(wrapped.FileOf("config.json")))!.AsObject();
        var form = text["quantization_config"]!.DeepClone();
        text.Remove("quantization_config");
        File.WriteAllText(wrapped.FileOf("config.json"), new JsonObject
        {
            ["model_type"] = "qwen3_5",
            ["tie_word_embeddings"] = text["tie_word_embeddings"]?.DeepClone() ?? false,
            ["text_config"] = text,
            ["quantization_config"] = form,
        }.ToJsonString());

        Assert.Equal(Logits(plain), Logits(wrapped.Path));
    }

    private static uint[] Ids => [.. Enumerable.Range(0, 40).Select(i => (uint)((i * 37) % 384))];

    private static float[] Logits(string source)
    {
        using var package = new ParityPackage(source);
        using var runner = package.Open(ParityPackage.Options());
        return [.. package.Logits(runner, [Ids], 16)[0].SelectMany(row => row)];
    }

    private string CopyTo(string name, string source)
    {
        var target = Directory.CreateDirectory(_folder.File(name)).FullName;
        foreach (var file in Directory.GetFiles(source))
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        return target;
    }

    /// <summary>Puts modules in GPTQ's form in the place of their weights.</summary>
    private static void Quantize(string source, params (string Module, FormMatrix Matrix)[] modules)
    {
        var tensors = new List<(string Name, string Type, int[] Shape, byte[] Bytes)>();
        foreach (var (module, matrix) in modules)
        {
            using var file = StoredFormTests.Gptq(matrix, isFirst: true);
            tensors.AddRange(file.Tensors.Select(tensor =>
                (tensor.Name.Replace(FormFile.Module, module, StringComparison.Ordinal), tensor.Type, tensor.Shape, tensor.Bytes)));
        }

        RandomCheckpoint.Change(source, others =>
        {
            foreach (var (module, _) in modules)
                others.Remove($"{module}.weight");
            tensors.AddRange(others.Select(tensor => (
                tensor.Key, "F32", tensor.Value.Shape, tensor.Value.Values.SelectMany(BitConverter.GetBytes).ToArray())));
        });
        File.WriteAllBytes(Path.Combine(source, "model.safetensors"), RandomCheckpoint.Serialize(tensors));
        var path = Path.Combine(source, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        config["quantization_config"] = new JsonObject
        {
            ["quant_method"] = "gptq",
            ["bits"] = 4,
            ["group_size"] = 32,
            ["lm_head"] = true,
            ["checkpoint_format"] = "gptq",
        };
        File.WriteAllText(path, config.ToJsonString());
    }
}
