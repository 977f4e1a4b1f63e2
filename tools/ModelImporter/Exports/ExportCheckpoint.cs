using System.Globalization;
using System.Text.Json.Nodes;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Exports;

/// <summary>An export read as the checkpoint that it was made of: for a graph of ours over its weights.</summary>
/// <param name="Config">Its <c>config.json</c>, or what graph and <c>genai_config.json</c> say in its place.</param>
/// <param name="Tensors">Its initializers, under the graph's names.</param>
/// <param name="Form">Gives them those of the checkpoint.</param>
/// <param name="Made">Files that are made, since the export brings none.</param>
internal sealed record ExportCheckpoint(
    ConfigFile Config, CheckpointTensors Tensors, NBitsForm Form, IReadOnlyList<(string Name, byte[] Bytes)> Made)
{
    private const string Down = "model.layers.0.mlp.down_proj.MatMul";

    /// <summary>Families of which the builder writes all numbers as they are, and no others.</summary>
    private static readonly string[] ModelTypes = ["llama", "mistral", "qwen2", "qwen3"];

    /// <summary>Opens an export.</summary>
    /// <exception cref="InvalidDataException">It is malformed, or of a family whose weights say too little by themselves.</exception>
    public static ExportCheckpoint Open(string path)
    {
        var source = ExportSource.Open(path);
        var model = ExportedModel.Open(source.GraphPath);
        var read = ExportedShape.Read(source, model);
        if (source.GenaiPath is null)
        {
            throw new InvalidDataException(
                $"{source.Folder}: there is no {ExportSource.GenaiName}: weights are read of exports by onnxruntime-genai's builder alone. "
                + $"Leave --precision out, or give {ModelImport.Exported}, to run the export as it is; or import the checkpoint that it "
                + "was made of.");
        }

        var made = new List<(string, byte[])>();
        var there = SourceFile.Exists(Path.Combine(source.Folder, ConfigFile.Name));
        var config = there ? ConfigFile.Open(source.Folder) : MakeConfig(source, model, read.Shape);
        if (!ModelTypes.Contains(config.Text("model_type", "")))
        {
            throw config.Unsupported(
                "model_type", $"\"{config.Text("model_type", "")}\"",
                $"{string.Join(", ", ModelTypes)} where the weights of an export are read, and any as {ModelImport.Exported}");
        }

        made.AddRange(ExportImport.MadeFiles(source).Where(file => file.Name != ConfigFile.Name));
        if (!there)
            made.Add((ConfigFile.Name, System.Text.Encoding.UTF8.GetBytes(config.ToJson() + "\n")));
        var files = ExportedTensorFile.OpenAll(model);
        var shape = read.Shape;
        return new ExportCheckpoint(
            config, CheckpointTensors.Of(source.Folder, files),
            new NBitsForm(model, shape.QueryHeads * shape.HeadSize, shape.KeyValueHeads * shape.HeadSize), made);
    }

    /// <summary>What <c>genai_config.json</c> leaves open stands in the graph: widths, the norm's epsilon, the rotation.</summary>
    private static ConfigFile MakeConfig(ExportSource source, ExportedModel model, ModelShape shape)
    {
        var genai = GenaiConfig.Open(source.GenaiPath!);
        var fields = new JsonObject(
            JsonNode.Parse(genai.MakeConfig())!.AsObject().Select(field => KeyValuePair.Create(field.Key, field.Value?.DeepClone())));
        var norm = model.Graph.Node.FirstOrDefault(node => node.OpType == "SimplifiedLayerNormalization");
        var down = model.Graph.Node.FirstOrDefault(node => node.Input.Any(input => input.StartsWith(Down, StringComparison.Ordinal)));
        fields["rms_norm_eps"] = double.Parse(
            (norm?.Attribute.FirstOrDefault(attribute => attribute.Name == "epsilon")?.F ?? 1e-6f).ToString(CultureInfo.InvariantCulture),
            CultureInfo.InvariantCulture);
        fields["intermediate_size"] = down?.Attribute.FirstOrDefault(attribute => attribute.Name == "K")?.I
            ?? model.Graph.Initializer.FirstOrDefault(tensor => down?.Input.Contains(tensor.Name) == true)?.Dims.FirstOrDefault()
            ?? throw new InvalidDataException($"{model.Path}: there is no {Down}, as the builder names it.");
        fields["hidden_act"] = "silu";
        fields["rope_theta"] = RotaryBase.Find(model, shape.HeadSize);
        fields["tie_word_embeddings"] = model.Graph.Node.Any(node =>
            node.OpType == "Reshape" && node.Input[0].StartsWith("lm_head.", StringComparison.Ordinal));
        fields["attention_bias"] = Has("o_proj.Add.bias");
        if (genai.Type != "llama")
            fields.Remove("attention_bias");
        return ConfigFile.Parse(source.GenaiPath!, fields.ToJsonString());

        bool Has(string ending) => model.Graph.Initializer.Any(tensor => tensor.Name.EndsWith(ending, StringComparison.Ordinal));
    }
}
