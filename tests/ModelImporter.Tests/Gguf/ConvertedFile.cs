using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Tests.Gguf;

/// <summary>
/// A checkpoint of safetensors as llama.cpp's converter stores it: its names, its order of rows, its sums, its metadata. What it says of a
/// family is written here from the converter's side, and shares nothing with the reader.
/// </summary>
internal sealed partial class ConvertedFile
{
    private readonly JsonObject _config;
    private readonly ConvertedFamily _family;
    private readonly GgufWriter _writer = new();
    private readonly SortedDictionary<string, (long[] Shape, float[] Values)> _tensors = new(StringComparer.Ordinal);

    private ConvertedFile(string source)
    {
        _config = JsonNode.Parse(File.ReadAllText(Path.Combine(source, "config.json")))!.AsObject();
        _family = ConvertedFamily.Of(_config["model_type"]!.GetValue<string>());
        using var weights = new SafetensorsFile(Path.Combine(source, "model.safetensors"));
        foreach (var tensor in weights.Tensors)
        {
            var values = new float[tensor.Elements];
            weights.Read(tensor, 0, values);
            _tensors[tensor.Name] = ([.. tensor.Shape], values);
        }
    }

    private int Layers => _config["num_hidden_layers"]!.GetValue<int>();

    private int HeadSize => _config["head_dim"]?.GetValue<int>()
        ?? _config["hidden_size"]!.GetValue<int>() / _config["num_attention_heads"]!.GetValue<int>();

    /// <summary>Writes the file, with a tokenizer and nothing else beside it.</summary>
    /// <param name="folder">Takes it.</param>
    /// <param name="source">The checkpoint.</param>
    /// <param name="change">Changes what was written.</param>
    /// <param name="type">Type of a tensor by its name in Hugging Face's words and its shape. Default: null, which is F32.</param>
    public static string Write(
        TemporaryFolder folder, string source, Action<GgufWriter>? change = null, Func<string, long[], GgufType>? type = null)
    {
        var target = Directory.CreateDirectory(folder.File("gguf")).FullName;
        foreach (var name in new[] { "tokenizer.json", "tokenizer_config.json", "generation_config.json" })
            File.Copy(Path.Combine(source, name), Path.Combine(target, name), overwrite: true);
        var file = new ConvertedFile(source);
        file.AddMetadata();
        file.StackExperts();
        file.StackHeadNorms();
        file.SplitShared();
        if (file._family.IsLatent && file._config["unsplit"] is null)
            file.SplitLatents();
        file.ListNumbers();
        new ConvertedRecurrence(file._config, file._tensors).Convert();
        foreach (var (name, (shape, values)) in file._tensors)
            file.Add(name, shape, values, type?.Invoke(name, shape) ?? GgufType.F32);
        change?.Invoke(file._writer);
        return file._writer.Write(Path.Combine(target, "model.gguf"));
    }

    private void AddMetadata()
    {
        _writer.Add("general.architecture", _family.Architecture);
        Whole("block_count", "num_hidden_layers");
        Whole("context_length", "max_position_embeddings");
        Whole("embedding_length", "hidden_size");
        Whole("feed_forward_length", "intermediate_size");
        Whole("attention.head_count", "num_attention_heads");
        Whole("attention.head_count_kv", "num_key_value_heads");
        Whole("attention.key_length", "head_dim");
        Whole("attention.value_length", "head_dim");
        Whole("expert_count", _config.ContainsKey("n_routed_experts") ? "n_routed_experts"
            : _config.ContainsKey("num_local_experts") ? "num_local_experts" : "num_experts");
        Whole("expert_used_count", "num_experts_per_tok");
        Whole("expert_group_count", "n_group");
        Whole("expert_group_used_count", "topk_group");
        Real("attention.layer_norm_rms_epsilon", "rms_norm_eps");
        Real("attention.layer_norm_epsilon", _config.ContainsKey("layer_norm_eps") ? "layer_norm_eps" : "norm_epsilon");
        Real("rope.freq_base", "rope_theta");
        foreach (var (key, field) in _family.Wholes)
            Whole(key, field);
        foreach (var (key, field) in _family.Reals)
            Real(key, field);
        foreach (var (key, value) in _family.Fixed(_config, HeadSize))
            _writer.Set($"{_family.Architecture}.{key}", value);
        if (_family.RotaryFactors(_config, HeadSize) is { } factors)
            _writer.Add("rope_freqs.weight", GgufType.F32, [factors.Length], GgufCheckpoint.Encode(GgufType.F32, factors));
    }

    private void Whole(string key, string field)
    {
        if (_config[field] is { } value)
            _writer.Set($"{_family.Architecture}.{key}", (uint)value.GetValue<int>());
    }

    private void Real(string key, string field)
    {
        if (_config[field] is { } value)
            _writer.Set($"{_family.Architecture}.{key}", (float)value.GetValue<double>());
    }

    /// <summary>Each matrix of all experts of a layer in one tensor.</summary>
    private void StackExperts()
    {
        var groups = _tensors.Keys.Select(name => (Name: name, Match: ExpertName().Match(name))).Where(entry => entry.Match.Success)
            .GroupBy(entry => $"{entry.Match.Groups[1]}.experts.{entry.Match.Groups[3]}").ToList();
        foreach (var group in groups)
        {
            string[] names = [.. group.OrderBy(entry => int.Parse(entry.Match.Groups[2].Value)).Select(entry => entry.Name)];
            Stack(group.Key + ".weight", names);
        }
    }

    /// <summary>A norm per head becomes a row of one matrix.</summary>
    private void StackHeadNorms()
    {
        var groups = _tensors.Keys.Select(name => (Name: name, Match: HeadNormName().Match(name))).Where(entry => entry.Match.Success)
            .GroupBy(entry => entry.Match.Groups[1].Value).ToList();
        foreach (var group in groups)
            Stack(group.Key + ".weight", [.. group.OrderBy(entry => int.Parse(entry.Match.Groups[2].Value)).Select(entry => entry.Name)]);
    }

    private void Stack(string to, string[] names)
    {
        _tensors[to] = ([names.Length, .. _tensors[names[0]].Shape], [.. names.SelectMany(name => _tensors[name].Values)]);
        foreach (var name in names)
            _tensors.Remove(name);
    }

    /// <summary>Gate and up of Granite's shared MLP, which the checkpoint has in one.</summary>
    private void SplitShared()
    {
        const string Packed = "shared_mlp.input_linear";
        foreach (var name in _tensors.Keys.Where(name => name.Contains(Packed, StringComparison.Ordinal)).ToList())
        {
            var ((rows, columns), values) = ((_tensors[name].Shape[0], _tensors[name].Shape[1]), _tensors[name].Values);
            var half = values.Length / 2;
            _tensors[name.Replace(Packed, "shared_mlp.gate", StringComparison.Ordinal)] = ([rows / 2, columns], values[..half]);
            _tensors[name.Replace(Packed, "shared_mlp.up", StringComparison.Ordinal)] = ([rows / 2, columns], values[half..]);
            _tensors.Remove(name);
        }
    }

    /// <summary>
    /// Keys transposed [heads, rank, plain] and values [heads, value, rank], which the checkpoint has in one, head by head.
    /// </summary>
    private void SplitLatents()
    {
        const string Whole = "kv_b_proj";
        var (heads, plain) = (_config["num_attention_heads"]!.GetValue<int>(), _config["qk_nope_head_dim"]!.GetValue<int>());
        foreach (var name in _tensors.Keys.Where(name => name.Contains(Whole, StringComparison.Ordinal)).ToList())
        {
            var ((rows, columns), all) = ((_tensors[name].Shape[0], (int)_tensors[name].Shape[1]), _tensors[name].Values);
            var size = (int)rows / heads;
            var keys = from head in Enumerable.Range(0, heads)
                       from column in Enumerable.Range(0, columns)
                       from row in Enumerable.Range(0, plain)
                       select all[(((head * size) + row) * columns) + column];
            var values = Enumerable.Range(0, heads)
                .SelectMany(head => all[(((head * size) + plain) * columns)..((head + 1) * size * columns)]);
            _tensors[name.Replace(Whole, "k_b_proj", StringComparison.Ordinal)] = ([heads, columns, plain], [.. keys]);
            _tensors[name.Replace(Whole, "v_b_proj", StringComparison.Ordinal)] = ([heads, size - plain, columns], [.. values]);
            _tensors.Remove(name);
        }
    }

    /// <summary>The numbers of an activation become lists by layer.</summary>
    private void ListNumbers()
    {
        foreach (var number in new[] { "alpha_p", "alpha_n", "beta", "eps" })
        {
            string[] names = [.. Enumerable.Range(0, Layers).Select(layer => $"model.layers.{layer}.mlp.act_fn.{number}")];
            if (!_tensors.ContainsKey(names[0]))
                continue;
            _writer.Add($"xielu.{number}", names.Select(name => _tensors[name].Values[0]).ToArray());
            foreach (var name in names)
                _tensors.Remove(name);
        }
    }

    private void Add(string name, long[] shape, float[] values, GgufType type)
    {
        if (name.EndsWith(".conv.conv.weight", StringComparison.Ordinal))
            shape = [shape[0], shape[2]];
        if (_family.IsPermuted && (name.Contains("q_proj", StringComparison.Ordinal) || name.Contains("k_proj", StringComparison.Ordinal)))
            values = Permute(values, (int)shape[0], HeadSize);
        if (_family.AddsOne && name.EndsWith("norm.weight", StringComparison.Ordinal) && !name.StartsWith("blk.", StringComparison.Ordinal))
            values = [.. values.Select(value => value + 1)];
        _writer.Add(_family.NameOf(name), type, shape, GgufCheckpoint.Encode(type, values));
    }

    /// <summary>Both halves of a head side by side, pair by pair.</summary>
    private static float[] Permute(float[] values, int rows, int headSize)
    {
        var (columns, result) = (values.Length / rows, new float[values.Length]);
        for (var row = 0; row < rows; row++)
        {
            var (head, half, pair) = (row / headSize, row % headSize / (headSize / 2), row % (headSize / 2));
            values.AsSpan(row * columns, columns).CopyTo(result.AsSpan(((head * headSize) + (2 * pair) + half) * columns));
        }

        return result;
    }

    [GeneratedRegex(@"^(.*)\.experts\.(\d+)\.(\w+)\.weight$")]
    private static partial Regex ExpertName();

    [GeneratedRegex(@"^(.*_layernorm)\.norms\.(\d+)\.weight$")]
    private static partial Regex HeadNormName();
}
