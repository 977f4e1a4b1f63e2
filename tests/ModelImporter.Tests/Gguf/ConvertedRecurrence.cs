using System.Text.Json.Nodes;

namespace Parley.ModelImporter.Tests.Gguf;

/// <summary>What llama.cpp's converter makes of gated delta rules and of Mamba-2.</summary>
/// <param name="config">The checkpoint's configuration.</param>
/// <param name="tensors">Its tensors; those of such layers get their last names.</param>
internal sealed class ConvertedRecurrence(JsonObject config, SortedDictionary<string, (long[] Shape, float[] Values)> tensors)
{
    private static readonly (string HuggingFace, string Gguf)[] Names =
    [
        ("linear_attn.in_proj_qkv.weight", "attn_qkv.weight"), ("linear_attn.in_proj_z.weight", "attn_gate.weight"),
        ("linear_attn.in_proj_a.weight", "ssm_alpha.weight"), ("linear_attn.in_proj_b.weight", "ssm_beta.weight"),
        ("linear_attn.in_proj_ba.weight", "ssm_ba.weight"), ("linear_attn.out_proj.weight", "ssm_out.weight"),
        ("linear_attn.norm.weight", "ssm_norm.weight"), ("linear_attn.conv1d.weight", "ssm_conv1d.weight"),
        ("linear_attn.A_log", "ssm_a"), ("linear_attn.dt_bias", "ssm_dt.bias"),
        ("mamba.in_proj.weight", "ssm_in.weight"), ("mamba.in_proj.bias", "ssm_in.bias"), ("mamba.out_proj.weight", "ssm_out.weight"),
        ("mamba.out_proj.bias", "ssm_out.bias"), ("mamba.norm.weight", "ssm_norm.weight"), ("mamba.conv1d.weight", "ssm_conv1d.weight"),
        ("mamba.conv1d.bias", "ssm_conv1d.bias"), ("mamba.A_log", "ssm_a"), ("mamba.D", "ssm_d"), ("mamba.dt_bias", "ssm_dt.bias"),
        ("mlp.shared_expert_gate.weight", "ffn_gate_inp_shexp.weight"),
    ];

    private int Keys => Number("linear_num_key_heads");

    private int Values => Number("linear_num_value_heads");

    private int Size => Number("linear_value_head_dim");

    private int KeyRows => 2 * Keys * Number("linear_key_head_dim");

    /// <summary>Renames, reorders and reshapes.</summary>
    public void Convert()
    {
        foreach (var name in tensors.Keys.Where(name => name.EndsWith("in_proj_qkvz.weight", StringComparison.Ordinal)).ToList())
            Part(name);
        foreach (var name in tensors.Keys.ToList())
        {
            var parts = name.Split('.', 4);
            var own = parts.Length < 4 ? null : Names.FirstOrDefault(entry => entry.HuggingFace == parts[3]).Gguf;
            if (own is null)
                continue;
            var tensor = tensors[name];
            tensors.Remove(name);
            tensors[$"blk.{parts[2]}.{own}"] = Change(own, Deal(own, tensor));
        }
    }

    private (long[] Shape, float[] Values) Change(string name, (long[] Shape, float[] Values) tensor)
    {
        var (shape, values) = tensor;
        if (name == "ssm_a")
            values = [.. values.Select(value => -MathF.Exp(value))];
        var isMamba = config.ContainsKey("mamba_n_heads");
        shape = name switch
        {
            "ssm_conv1d.weight" => [shape[0], shape[2]],
            "ssm_a" or "ssm_d" when isMamba => [shape[0], 1],
            "ssm_norm.weight" when isMamba => [Number("mamba_n_groups"), shape[0] / Number("mamba_n_groups")],
            "ffn_gate_inp_shexp.weight" => [shape[1]],
            _ => shape,
        };
        return (shape, values);
    }

    /// <summary>Value heads of Qwen3.5: one of each key head, then another of each.</summary>
    private (long[] Shape, float[] Values) Deal(string name, (long[] Shape, float[] Values) tensor)
    {
        var (shape, values) = tensor;
        if (!config["model_type"]!.GetValue<string>().StartsWith("qwen3_5", StringComparison.Ordinal))
            return tensor;
        var columns = values.Length / (int)shape[0];
        float[] dealt = name switch
        {
            "attn_qkv.weight" or "ssm_conv1d.weight" =>
                [.. values[..(KeyRows * columns)], .. Deal(values[(KeyRows * columns)..], Size * columns)],
            "attn_gate.weight" => Deal(values, Size * columns),
            "ssm_alpha.weight" or "ssm_beta.weight" or "ssm_a" or "ssm_dt.bias" => Deal(values, columns),
            "ssm_out.weight" => [.. Enumerable.Range(0, (int)shape[0]).SelectMany(row =>
                Deal(values[(row * columns)..((row + 1) * columns)], Size))],
            _ => values,
        };
        return (shape, dealt);
    }

    private float[] Deal(float[] values, int length)
    {
        var each = Values / Keys;
        return [.. Enumerable.Range(0, each).SelectMany(which => Enumerable.Range(0, Keys).SelectMany(key =>
            values.AsSpan(((key * each) + which) * length, length).ToArray()))];
    }

    /// <summary>Queries, keys, values and gates that take turns by key head become two matrices, each of runs.</summary>
    private void Part(string name)
    {
        var (shape, values) = tensors[name];
        var (columns, each) = ((int)shape[1], Values / Keys * Size);
        int[] runs = [KeyRows / Keys / 2, KeyRows / Keys / 2, each, each];
        float[] Gather(int which) => [.. Enumerable.Range(0, Keys).SelectMany(key => values.AsSpan(
            ((key * runs.Sum()) + runs[..which].Sum()) * columns, runs[which] * columns).ToArray())];
        tensors.Remove(name);
        tensors[name.Replace("qkvz", "qkv", StringComparison.Ordinal)] =
            ([KeyRows + (Keys * each), columns], [.. Gather(0), .. Gather(1), .. Gather(2)]);
        tensors[name.Replace("qkvz", "z", StringComparison.Ordinal)] = ([Keys * each, columns], Gather(3));
    }

    private int Number(string field) => config[field]!.GetValue<int>();
}
