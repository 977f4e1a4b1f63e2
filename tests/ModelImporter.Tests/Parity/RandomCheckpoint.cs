using System.Buffers.Binary;
using System.Numerics.Tensors;
using System.Text.Json;
using System.Text.Json.Nodes;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Tests.Parity;

/// <summary>A checkpoint of any configuration with random weights in fp32.</summary>
internal static class RandomCheckpoint
{
    private const string Sizes = """
        {"vocab_size":384,"hidden_size":64,"intermediate_size":96,"num_hidden_layers":4,"num_attention_heads":4,"num_key_value_heads":2,
         "max_position_embeddings":256}
        """;

    /// <summary>Writes one of 4 layers of 64 with other fields.</summary>
    /// <param name="folder">Takes a folder of its own.</param>
    /// <param name="modelType">The family.</param>
    /// <param name="fields">Fields beside the sizes.</param>
    /// <param name="seed">Of the weights.</param>
    /// <param name="queryScale">Factor on the weights of norms of queries.</param>
    public static string Write(TemporaryFolder folder, string modelType, string fields, int seed, double queryScale = 1)
    {
        var target = Directory.CreateDirectory(folder.File("source")).FullName;
        var config = JsonNode.Parse(Sizes)!.AsObject();
        config["model_type"] = modelType;
        foreach (var (field, value) in JsonNode.Parse(fields)!.AsObject())
            config[field] = value?.DeepClone();
        File.WriteAllText(Path.Combine(target, "config.json"), config.ToJsonString());
        foreach (var name in new[] { "tokenizer.json", "tokenizer_config.json", "generation_config.json" })
            File.Copy(Path.Combine(Fixture.Folder(Fixture.Linear), name), Path.Combine(target, name));
        var read = CheckpointReader.ReadConfig(target);
        File.WriteAllBytes(
            Path.Combine(target, "model.safetensors"),
            Tensors(CheckpointReader.WeightsOf(read), read, new Random(seed), queryScale));
        return target;
    }

    private static byte[] Tensors(DecoderWeights weights, DecoderConfig config, Random random, double queryScale)
    {
        var tensors = new SortedDictionary<string, (int[] Shape, float[] Values)>(StringComparer.Ordinal);
        foreach (var linear in weights.Linears())
        {
            foreach (var part in linear.Parts)
            {
                var deviation = 1.2 / Math.Sqrt(linear.Inputs);
                tensors[part.Weight] = ([part.Outputs, linear.Inputs], Numbers(part.Outputs * linear.Inputs, deviation));
                if (part.Bias is not null)
                    tensors[part.Bias] = ([part.Outputs], Numbers(part.Outputs, 0.2));
            }
        }

        foreach (var norm in weights.Norms())
        {
            var width = norm.Width / Math.Max(norm.Weights.Count, 1);
            foreach (var weight in norm.Weights)
            {
                var factor = weight.EndsWith("q_norm.weight", StringComparison.Ordinal) ? queryScale : 1;
                tensors[weight] = ([.. norm.Shape ?? [width]], Numbers(width, 0.3 * factor, config.Norm.AddsOne ? 0 : factor));
            }
            if (norm.Bias is not null)
                tensors[norm.Bias] = ([norm.Width], Numbers(norm.Width, 0.2));
        }

        foreach (var mixture in weights.Mixtures)
        {
            if (mixture is { SharedStack: { } stack, Shared.GateUp: var shared })
            {
                // As transformers has them: gate and up in one.
                tensors[stack] = ([shared.Outputs, shared.Inputs], [.. shared.Parts.SelectMany(part => tensors[part.Weight].Values)]);
                foreach (var part in shared.Parts)
                    tensors.Remove(part.Weight);
            }

            if (mixture.Correction is not null)
                tensors[mixture.Correction] = ([mixture.Settings.Experts], Numbers(mixture.Settings.Experts, 0.3));
            if (mixture.ExpertScales is not null)
                tensors[mixture.ExpertScales] = ([mixture.Settings.Experts], Numbers(mixture.Settings.Experts, 0.3, 1));
        }

        foreach (var latent in weights.AllLayers.Select(layer => layer.Latent).OfType<LatentWeights>())
        {
            Stack(latent, tensors);
        }

        foreach (var sinks in weights.AllLayers.Select(layer => layer.Sinks).OfType<string>())
            tensors[sinks] = ([config.Shape.QueryHeads], Numbers(config.Shape.QueryHeads, 1));
        foreach (var scale in weights.AllLayers.Select(layer => layer.StreamScale).OfType<string>())
            tensors[scale] = ([1], Numbers(1, 0.1, 0.9));
        foreach (var scalar in weights.AllLayers.SelectMany(layer => layer.Mlp.Scalars))
        {
            var isEpsilon = scalar.Name.EndsWith("eps", StringComparison.Ordinal);
            tensors[scalar.Name] = (scalar.HasDimension ? [1] : [], isEpsilon ? [-1e-6f] : Numbers(1, 0.3, 0.5));
        }

        foreach (var (name, shape) in weights.AllLayers.SelectMany(layer => layer.Recurrence?.Tensors ?? []))
        {
            var mean = name.EndsWith("norm.weight", StringComparison.Ordinal) ? 1 : 0;
            tensors[name] = (shape, Numbers(shape.Aggregate((a, b) => a * b), 0.5, mean));
        }

        foreach (var stack in weights.AllLayers.SelectMany(layer => layer.Stacks))
            Stack(tensors, stack);
        return Serialize(tensors);

        float[] Numbers(int count, double deviation, double mean = 0) =>
            [.. Enumerable.Range(0, count).Select(_ => (float)(mean + (deviation * 3.46 * (random.NextDouble() - 0.5))))];
    }

    /// <summary>As transformers has them: several matrices in one, their rows taking turns.</summary>
    private static void Stack(SortedDictionary<string, (int[] Shape, float[] Values)> tensors, TurnStack stack)
    {
        if (!stack.Runs.All(run => tensors.ContainsKey(run.Part.Weight)))
            return;
        tensors[stack.Names[0]] = ([stack.Outputs, stack.Inputs], Take(part => part.Weight, stack.Inputs));
        if (stack.Names is [_, var bias])
            tensors[bias] = ([stack.Outputs], Take(part => part.Bias!, 1));

        float[] Take(Func<LinearPart, string> nameOf, int columns)
        {
            var parts = stack.Runs.Select(run => (tensors[nameOf(run.Part)].Values, Length: run.Rows * columns)).ToList();
            foreach (var (part, _) in stack.Runs)
                tensors.Remove(nameOf(part));
            return [.. Enumerable.Range(0, stack.Turns).SelectMany(turn =>
                parts.SelectMany(part => part.Values.AsSpan(turn * part.Length, part.Length).ToArray()))];
        }
    }

    /// <summary>As checkpoints have them: for each head the rows of its keys, then those of its values.</summary>
    private static void Stack(LatentWeights latent, SortedDictionary<string, (int[] Shape, float[] Values)> tensors)
    {
        var (rank, plain) = (latent.Settings.Rank, latent.Settings.PlainSize);
        var values = new List<float>();
        foreach (var (key, value) in latent.Keys.Zip(latent.Values, (key, value) => (key.Parts[0].Weight, value.Parts[0].Weight)))
        {
            var transposed = tensors[key].Values;
            values.AddRange(Enumerable.Range(0, plain * rank).Select(i => transposed[(i % rank * plain) + (i / rank)]));
            values.AddRange(tensors[value].Values);
            tensors.Remove(key);
            tensors.Remove(value);
        }

        tensors[latent.Whole] = ([values.Count / rank, rank], [.. values]);
    }

    /// <summary>Puts matrices on a grid of 4 bits: a scale and a whole zero point for a block of each row, with both ends in it.</summary>
    public static void PutOnGrid(string source, int block) => Change(source, tensors =>
    {
        foreach (var (shape, values) in tensors.Values.Where(tensor => tensor.Shape.Length > 1))
        {
            foreach (var start in Enumerable.Range(0, values.Length / block).Select(index => index * block))
                PutOnGrid(values.AsSpan(start, block));
        }
    });

    /// <summary>Changes the tensors of a checkpoint.</summary>
    public static void Change(string source, Action<SortedDictionary<string, (int[] Shape, float[] Values)>> change)
    {
        var path = Path.Combine(source, "model.safetensors");
        var tensors = new SortedDictionary<string, (int[] Shape, float[] Values)>(StringComparer.Ordinal);
        using (var file = new SafetensorsFile(path))
        {
            foreach (var tensor in file.Tensors)
            {
                var values = new float[tensor.Elements];
                file.Read(tensor, 0, values);
                tensors[tensor.Name] = ([.. tensor.Shape.Select(size => (int)size)], values);
            }
        }

        change(tensors);
        File.WriteAllBytes(path, Serialize(tensors));
    }

    /// <summary>Stores some tensors as bytes of FP8 instead.</summary>
    public static void StoreFp8(string source, IReadOnlyDictionary<string, (int[] Shape, byte[] Codes)> fp8)
    {
        var others = new List<(string, string, int[], byte[])>();
        Change(source, tensors => others.AddRange(tensors.Where(tensor => !fp8.ContainsKey(tensor.Key)).Select(tensor =>
            (tensor.Key, "F32", tensor.Value.Shape, tensor.Value.Values.SelectMany(BitConverter.GetBytes).ToArray()))));
        File.WriteAllBytes(Path.Combine(source, "model.safetensors"), Serialize(
            others.Concat(fp8.Select(tensor => (tensor.Key, "F8_E4M3", tensor.Value.Shape, tensor.Value.Codes)))));
    }

    private static void PutOnGrid(Span<float> weights)
    {
        var (low, high) = (Math.Min(0, TensorPrimitives.Min<float>(weights)), Math.Max(0, TensorPrimitives.Max<float>(weights)));
        // A power of two: no product is rounded.
        var scale = MathF.Pow(2, MathF.Ceiling(MathF.Log2((high - low) / 15)));
        var zero = Math.Clamp(MathF.Round(-low / scale), 0, 15);
        for (var i = 0; i < weights.Length; i++)
            weights[i] = (Math.Clamp(MathF.Round(weights[i] / scale) + zero, 0, 15) - zero) * scale;
        (weights[0], weights[1]) = (-zero * scale, (15 - zero) * scale);
    }

    /// <summary>A safetensors file.</summary>
    public static byte[] Serialize(SortedDictionary<string, (int[] Shape, float[] Values)> tensors) => Serialize(tensors.Select(tensor =>
        (tensor.Key, "F32", tensor.Value.Shape, tensor.Value.Values.SelectMany(BitConverter.GetBytes).ToArray())));

    /// <summary>The same of tensors of any type.</summary>
    public static byte[] Serialize(IEnumerable<(string Name, string Type, int[] Shape, byte[] Bytes)> tensors)
    {
        var (header, offset, all) = (new JsonObject(), 0, tensors.ToList());
        foreach (var (name, type, shape, bytes) in all)
        {
            header[name] = new JsonObject
            {
                ["dtype"] = type,
                ["shape"] = new JsonArray([.. shape.Select(size => (JsonNode)size)]),
                ["data_offsets"] = new JsonArray(offset, offset += bytes.Length),
            };
        }

        var json = JsonSerializer.SerializeToUtf8Bytes(header);
        var prefix = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)json.Length);
        return [.. prefix, .. json, .. all.SelectMany(tensor => tensor.Bytes)];
    }
}
