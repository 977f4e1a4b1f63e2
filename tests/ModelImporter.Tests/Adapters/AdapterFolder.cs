using System.Text.Json.Nodes;
using Parley.ModelImporter.Tests.Parity;

namespace Parley.ModelImporter.Tests.Adapters;

/// <summary>An adapter as peft saves it, with random factors.</summary>
/// <param name="folder">Takes its folder.</param>
/// <param name="fields">Fields of adapter_config.json beside rank 4, alpha 8 and q_proj, v_proj as targets.</param>
/// <param name="name">Name of the folder.</param>
internal sealed class AdapterFolder(TemporaryFolder folder, string fields = "{}", string name = "adapter")
{
    public const int Rank = 4;

    /// <summary>Prefix of peft's wrapper.</summary>
    public const string Wrapper = "base_model.model.";

    private const string Plain = """{"peft_type":"LORA","r":4,"lora_alpha":8,"target_modules":["q_proj","v_proj"],"bias":"none"}""";

    private readonly Random _random = new(11);
    private readonly SortedDictionary<string, (int[] Shape, float[] Values)> _tensors = new(StringComparer.Ordinal);

    public string Path { get; } = Directory.CreateDirectory(folder.File(name)).FullName;

    /// <summary>Before each module.</summary>
    public string Prefix { get; init; } = Wrapper;

    /// <summary>Stands behind lora_A and lora_B.</summary>
    public string Within { get; init; } = "";

    public IReadOnlyDictionary<string, (int[] Shape, float[] Values)> Tensors => _tensors;

    /// <summary>Adds both factors of a module.</summary>
    public AdapterFolder Product(string module, int outputs, int inputs, int rank = Rank)
    {
        Add($"{module}.lora_A{Within}.weight", rank, inputs);
        return Add($"{module}.lora_B{Within}.weight", outputs, rank);
    }

    /// <summary>Adds both factors of an embedding.</summary>
    public AdapterFolder Embedding(string module, int rows, int width, int rank = Rank)
    {
        Add($"{module}.lora_embedding_A", rank, rows);
        return Add($"{module}.lora_embedding_B", width, rank);
    }

    /// <summary>Adds a tensor.</summary>
    public AdapterFolder Add(string tensor, params int[] shape)
    {
        var count = shape.Aggregate((a, b) => a * b);
        _tensors[Prefix + tensor] = (shape, [.. Enumerable.Range(0, count).Select(_ => (float)(_random.NextDouble() - 0.5))]);
        return this;
    }

    /// <summary>Adds a tensor without numbers.</summary>
    public AdapterFolder AddEmpty(string tensor, params int[] shape)
    {
        _tensors[Prefix + tensor] = (shape, []);
        return this;
    }

    /// <summary>Changes a tensor.</summary>
    public AdapterFolder Change(string tensor, Action<float[]> change)
    {
        change(_tensors[Prefix + tensor].Values);
        return this;
    }

    /// <summary>Takes a tensor out.</summary>
    public AdapterFolder Without(string tensor)
    {
        Assert.True(_tensors.Remove(Prefix + tensor));
        return this;
    }

    /// <summary>Writes both files.</summary>
    public string Write()
    {
        var config = JsonNode.Parse(Plain)!.AsObject();
        foreach (var (field, value) in JsonNode.Parse(fields)!.AsObject())
            config[field] = value?.DeepClone();
        File.WriteAllText(System.IO.Path.Combine(Path, "adapter_config.json"), config.ToJsonString());
        File.WriteAllBytes(System.IO.Path.Combine(Path, "adapter_model.safetensors"), RandomCheckpoint.Serialize(_tensors));
        return Path;
    }

    /// <summary>A matrix of the base with the module's product added, in double.</summary>
    public double[] Merge(float[] weights, string module, double scale)
    {
        var (a, b) = (_tensors[$"{Prefix}{module}.lora_A{Within}.weight"], _tensors[$"{Prefix}{module}.lora_B{Within}.weight"]);
        var (rank, inputs) = (a.Shape[0], a.Shape[1]);
        return [.. weights.Select((weight, i) => weight + (scale * Enumerable.Range(0, rank).Sum(r =>
            (double)b.Values[(i / inputs * rank) + r] * a.Values[(r * inputs) + (i % inputs)])))];
    }

    /// <summary>The same of a table.</summary>
    public double[] MergeRows(float[] weights, string module, double scale)
    {
        var (a, b) = (_tensors[$"{Prefix}{module}.lora_embedding_A"], _tensors[$"{Prefix}{module}.lora_embedding_B"]);
        var (rank, rows, width) = (a.Shape[0], a.Shape[1], b.Shape[0]);
        return [.. weights.Select((weight, i) => weight + (scale * Enumerable.Range(0, rank).Sum(r =>
            (double)a.Values[(r * rows) + (i / width)] * b.Values[(i % width * rank) + r])))];
    }
}
