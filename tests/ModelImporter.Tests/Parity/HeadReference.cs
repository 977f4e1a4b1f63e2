using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Tests.Parity;

/// <summary>Heads for further tokens whose guesses are known.</summary>
internal static class HeadReference
{
    private const int Hidden = 64;

    /// <summary>What attention and MLP end in, experts' stacks included.</summary>
    private static readonly string[] Lasts =
        ["o_proj.weight", "out_proj.weight", "down_proj.weight", "down_proj"];

    /// <summary>Multiplies what layers add to the stream.</summary>
    public static void Silence(SortedDictionary<string, (int[] Shape, float[] Values)> tensors, int layers, float factor)
    {
        foreach (var (name, (_, values)) in tensors)
        {
            if (!name.StartsWith("model.layers.", StringComparison.Ordinal) || int.Parse(name.Split('.')[2], null) >= layers
                || !Lasts.Any(last => name.EndsWith(last, StringComparison.Ordinal)))
                continue;
            for (var i = 0; i < values.Length; i++)
                values[i] *= factor;
        }
    }

    /// <summary>
    /// A model whose next token hangs on its last one most of all, and a head that knows no more than that: it copies the embedding, its
    /// layer adds nothing, and its norm is the model's.
    /// </summary>
    public static void Agree(SortedDictionary<string, (int[] Shape, float[] Values)> tensors, int layers, bool addsOne)
    {
        Silence(tensors, layers, 0.003f);
        var head = $"model.layers.{layers}.";
        foreach (var (name, (_, values)) in tensors)
        {
            if (name.StartsWith(head, StringComparison.Ordinal) && Lasts.Any(last => name.EndsWith(last, StringComparison.Ordinal)))
                values.AsSpan().Clear();
        }

        var projection = tensors[$"{head}eh_proj.weight"].Values;
        projection.AsSpan().Clear();
        for (var i = 0; i < Hidden; i++)
            projection[(i * 2 * Hidden) + i] = 1;
        tensors[$"{head}enorm.weight"].Values.AsSpan().Fill(addsOne ? 0 : 1);
        tensors["model.norm.weight"].Values.CopyTo(tensors[$"{head}shared_head.norm.weight"].Values.AsSpan());
    }

    /// <summary>Gives the head's tensors the names that Qwen's checkpoints have for them.</summary>
    public static void NameAsQwen(SortedDictionary<string, (int[] Shape, float[] Values)> tensors, int layers)
    {
        var head = $"model.layers.{layers}.";
        foreach (var name in tensors.Keys.Where(name => name.StartsWith(head, StringComparison.Ordinal)).ToList())
        {
            var module = name[head.Length..];
            var own = module switch
            {
                "eh_proj.weight" => "fc.weight",
                "enorm.weight" => "pre_fc_norm_embedding.weight",
                "hnorm.weight" => "pre_fc_norm_hidden.weight",
                "shared_head.norm.weight" => "norm.weight",
                _ => $"layers.0.{module}",
            };
            tensors[$"mtp.{own}"] = tensors[name];
            tensors.Remove(name);
        }
    }

    /// <summary>What a head guesses behind each token of a text but the last, in chunks.</summary>
    public static int[] Guesses(ParityPackage package, uint[] ids, int chunk = 7)
    {
        var options = ParityPackage.Options() with { Drafts = true };
        using var runner = package.Open(options);
        var (step, batch) = (options.CreateBatch(), options.CreateBatch());
        int[] blocks = [.. Enumerable.Range(0, options.BlocksPerSequenceMax)];
        var guesses = new List<int>();
        for (var past = 0; past < ids.Length - 1; past += chunk)
        {
            var count = Math.Min(chunk, ids.Length - 1 - past);
            step.Clear(blocks.Length);
            step.Add(ids.AsSpan(past, count), past, blocks, 1);
            if (package.Shape.States is not null)
                step.ContinueStates(0);
            runner.Run(step);
            // One row wants a guess at a time: a head is asked for no more than that.
            for (var token = 0; token < count; token++)
            {
                batch.Clear(blocks.Length);
                batch.Add(ids.AsSpan(past + token + 1, 1), past + token, blocks, 1, logitBest: 1);
                guesses.Add(runner.Drafter!.Guess(batch, [token], goesOn: false)[0]);
            }
        }

        return [.. guesses];
    }

    /// <summary>
    /// A model of the head's layer alone, whose embedding of id i is what that layer reads at position i of a text: the head's projection
    /// of the next token's embedding and of this one's stream, each behind its norm. Of a model whose layers add nothing, the stream is the
    /// embedding behind the final norm.
    /// </summary>
    public static string WriteLayer(TemporaryFolder folder, string source, uint[] ids, bool addsOne)
    {
        var target = Directory.CreateDirectory(folder.File("layer")).FullName;
        foreach (var file in Directory.GetFiles(source))
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        var path = Path.Combine(target, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        config["num_hidden_layers"] = 1;
        config["full_attention_interval"] = 1;
        config["mtp_num_hidden_layers"] = 0;
        config["num_nextn_predict_layers"] = 0;
        config["first_k_dense_replace"] = 0;
        config["tie_word_embeddings"] = false;
        File.WriteAllText(path, config.ToJsonString());
        RandomCheckpoint.Change(target, tensors =>
        {
            var embedding = tensors["model.embed_tokens.weight"].Values;
            var head = tensors.TryGetValue("lm_head.weight", out var own) ? own.Values : embedding;
            var all = tensors.ToDictionary();
            var projection = all["model.layers.4.eh_proj.weight"].Values;
            var rows = new float[embedding.Length];
            for (var i = 0; i < ids.Length - 1; i++)
            {
                double[] both =
                [
                    .. Norm(Row(embedding, ids[i + 1]), all["model.layers.4.enorm.weight"].Values),
                    .. Norm(Norm(Row(embedding, ids[i]), all["model.norm.weight"].Values), all["model.layers.4.hnorm.weight"].Values),
                ];
                for (var row = 0; row < Hidden; row++)
                {
                    var sum = 0.0;
                    for (var column = 0; column < 2 * Hidden; column++)
                        sum += projection[(row * 2 * Hidden) + column] * both[column];
                    rows[(i * Hidden) + row] = (float)sum;
                }
            }

            tensors.Clear();
            foreach (var (name, tensor) in all.Where(entry => entry.Key.StartsWith("model.layers.4.", StringComparison.Ordinal)))
                tensors[name.Replace("layers.4.", "layers.0.", StringComparison.Ordinal)] = tensor;
            foreach (var outside in new[] { "eh_proj", "enorm", "hnorm", "shared_head.norm" })
                tensors.Remove($"model.layers.0.{outside}.weight");
            tensors["model.norm.weight"] = all["model.layers.4.shared_head.norm.weight"];
            tensors["model.embed_tokens.weight"] = (all["model.embed_tokens.weight"].Shape, rows);
            tensors["lm_head.weight"] = (all["model.embed_tokens.weight"].Shape, head);
        });
        return target;

        double[] Norm(IReadOnlyList<double> row, float[] weights)
        {
            var scale = 1 / Math.Sqrt((row.Sum(value => value * value) / row.Count) + 1e-5);
            return [.. row.Select((value, i) => value * scale * (weights[i] + (addsOne ? 1 : 0)))];
        }
    }

    private static double[] Row(float[] matrix, uint row) =>
        [.. matrix.AsSpan((int)row * Hidden, Hidden).ToArray().Select(value => (double)value)];
}
