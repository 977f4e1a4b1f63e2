using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Tests.Parity;

/// <summary>A random checkpoint as makers publish theirs in FP8, and the same weights spelled out.</summary>
internal static class Fp8Checkpoint
{
    /// <summary>What they leave as it is: embeddings, routers, gates of one number, and the small linears of recurrences.</summary>
    private static readonly string[] Kept = ["embed_tokens", "lm_head", ".gate.", "shared_expert_gate", "in_proj_a", "in_proj_b", "router"];

    /// <summary>Writes both.</summary>
    /// <param name="folder">Takes them.</param>
    /// <param name="modelType">The family.</param>
    /// <param name="fields">Its fields.</param>
    /// <param name="block">Rows and columns of a block; null for one scale a matrix.</param>
    public static (string Plain, string Source) Write(
        TemporaryFolder folder, string modelType, string fields, (int Rows, int Columns)? block)
    {
        var source = RandomCheckpoint.Write(folder, modelType, fields, seed: 5);
        var random = new Random(6);
        var fp8 = new Dictionary<string, (int[] Shape, byte[] Codes)>();
        RandomCheckpoint.Change(source, tensors =>
        {
            var names = tensors.Where(tensor => tensor.Value.Shape.Length == 2 && tensor.Key.EndsWith(".weight", StringComparison.Ordinal)
                && !Kept.Any(kept => tensor.Key.Contains(kept, StringComparison.Ordinal))).Select(tensor => tensor.Key).ToList();
            foreach (var name in names)
            {
                var shape = tensors[name].Shape;
                var (rows, columns) = block ?? (shape[0], shape[1]);
                byte[] codes = [.. Enumerable.Range(0, shape[0] * shape[1]).Select(_ => (byte)(random.Next(0x58) | (random.Next(2) << 7)))];
                var (down, across) = ((shape[0] + rows - 1) / rows, (shape[1] + columns - 1) / columns);
                float[] scales = [.. Enumerable.Range(0, down * across).Select(_ => 0.02f + (0.02f * random.NextSingle()))];
                tensors[name] = (shape, [.. codes.Select((code, i) =>
                    Value(code) * scales[(i / shape[1] / rows * across) + (i % shape[1] / columns)])]);
                tensors[$"{name}_scale_inv"] = (block is null ? [1] : [down, across], scales);
                fp8[name] = (shape, codes);
            }
        });
        var plain = Directory.CreateDirectory(Path.Combine(folder.Path, "plain")).FullName;
        foreach (var file in Directory.GetFiles(source))
            File.Copy(file, Path.Combine(plain, Path.GetFileName(file)));
        RandomCheckpoint.Change(plain, tensors =>
        {
            foreach (var name in fp8.Keys)
                tensors.Remove($"{name}_scale_inv");
        });
        RandomCheckpoint.StoreFp8(source, fp8);
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(source, "config.json")))!.AsObject();
        config["quantization_config"] = new JsonObject
        {
            ["quant_method"] = "fp8",
            ["fmt"] = "e4m3",
            ["activation_scheme"] = block is null ? "static" : "dynamic",
            ["weight_block_size"] = block is null ? null : new JsonArray(block.Value.Rows, block.Value.Columns),
            ["modules_to_not_convert"] = new JsonArray("lm_head", "model.visual", "mtp.fc"),
        };
        File.WriteAllText(Path.Combine(source, "config.json"), config.ToJsonString());
        return (plain, source);
    }

    private static float Value(byte code)
    {
        var (exponent, mantissa) = ((code >> 3) & 15, code & 7);
        var magnitude = exponent == 0 ? mantissa / 512.0 : Math.Pow(2, exponent - 7) * (1 + (mantissa / 8.0));
        return (float)((code & 0x80) == 0 ? magnitude : -magnitude);
    }
}
