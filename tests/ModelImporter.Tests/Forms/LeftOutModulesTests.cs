using System.Text.Json.Nodes;
using Parley.ModelImporter.Graph.Onnx;
using Parley.ModelImporter.Tests.Parity;

namespace Parley.ModelImporter.Tests.Forms;

/// <summary>Modules that a quantiser left out, because they would lose too much, are not rounded to 4 bits here either.</summary>
public sealed class LeftOutModulesTests
{
    [Fact]
    public void Import_OneModuleOf4Bits_LeavesTheOthersAt8()
    {
        using var folder = new TemporaryFolder();
        var source = RandomCheckpoint.Write(folder, "llama", "{}", seed: 11);
        var matrix = new FormMatrix(96, 64, 32, 4, zero: 8);
        Quantize(source, "model.layers.1.mlp.up_proj", matrix);

        Assert.Equal("int4", ModelImport.DefaultPrecision(source));
        var result = ModelImport.Run(new ImportOptions { Source = source, Destination = folder.File("package"), Precision = "int4" });

        var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(folder.File("package/model.onnx")));
        var bits = model.Graph.Node.Where(node => node.Attribute.Any(attribute => attribute.Name == "bits"))
            .ToDictionary(
                node => node.Input.Single(input => input.EndsWith(".weight", StringComparison.Ordinal) && !input.Contains("norm")),
                node => node.Attribute.Single(attribute => attribute.Name == "bits").I);
        Assert.Equal(["layers.1.gate_up.1.weight"], bits.Where(node => node.Value == 4).Select(node => node.Key));
        Assert.True(bits.Count > 10);
        Assert.Equal(("MLX-4", 0), result.TypeErrors.Select(error => (error.Type, error.Relative)).Single());
    }

    /// <summary>A bias of zeros beside each linear is what old files of GPTQ have, and no Llama.</summary>
    [Fact]
    public void Open_GptqWithBiasesOfZero_LeavesThemOut()
    {
        using var folder = new TemporaryFolder();
        var source = RandomCheckpoint.Write(folder, "llama", "{}", seed: 12);
        RandomCheckpoint.Change(source, tensors => tensors["model.layers.0.mlp.up_proj.bias"] = ([96], new float[96]));
        Configure(source, """{"quantization_config":{"quant_method":"gptq","bits":4,"group_size":32}}""");
        using (CheckpointReader.Open(source))
        {
        }

        RandomCheckpoint.Change(source, tensors => tensors["model.layers.0.mlp.up_proj.bias"].Values[3] = 1);
        var message = Assert.Throws<InvalidDataException>(() => CheckpointReader.Open(source)).Message;
        Assert.Contains("model.layers.0.mlp.up_proj.bias", message, StringComparison.Ordinal);
    }

    /// <summary>Puts a module in MLX's form in the place of its weights.</summary>
    private static void Quantize(string source, string module, FormMatrix matrix)
    {
        var words = new byte[matrix.Codes.Length / 2];
        for (var i = 0; i < matrix.Codes.Length; i++)
            FormFile.SetBits(words, 4L * i, 4, matrix.Codes[i]);
        var tensors = new List<(string, string, int[], byte[])>
        {
            ($"{module}.weight", "U32", [matrix.Rows, matrix.Columns / 8], words),
            ($"{module}.scales", "F32", [matrix.Rows, matrix.Groups], Bytes(matrix.Scales.Select(PowerOfTwo))),
            ($"{module}.biases", "F32", [matrix.Rows, matrix.Groups], Bytes(matrix.Scales.Select(scale => -8 * PowerOfTwo(scale)))),
        };
        RandomCheckpoint.Change(source, others =>
        {
            others.Remove($"{module}.weight");
            tensors.AddRange(others.Select(tensor => (tensor.Key, "F32", tensor.Value.Shape, Bytes(tensor.Value.Values))));
        });
        File.WriteAllBytes(Path.Combine(source, "model.safetensors"), RandomCheckpoint.Serialize(tensors));
        Configure(source, """{"quantization":{"group_size":32,"bits":4}}""");
    }

    private static void Configure(string source, string fields)
    {
        var path = Path.Combine(source, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        foreach (var (field, value) in JsonNode.Parse(fields)!.AsObject())
            config[field] = value!.DeepClone();
        File.WriteAllText(path, config.ToJsonString());
    }

    private static float PowerOfTwo(float scale) => MathF.Pow(2, MathF.Round(MathF.Log2(scale)));

    private static byte[] Bytes(IEnumerable<float> values) => [.. values.SelectMany(BitConverter.GetBytes)];
}
