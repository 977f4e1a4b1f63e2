using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Quantization;

namespace Parley.ModelImporter.Tests.Gguf;

/// <summary>Experts of a layer share one grid: what that costs is said, and all of them decide on it.</summary>
public sealed class GgufExpertGridTests
{
    private const int Width = 256;
    private const int Experts = 4;

    /// <summary>Gate and up on grids that no other holds both of are rounded to 8 bits, although either alone would be kept.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void StoredError_GateAndUpOnDifferentGrids_CountsTheRounding(bool isInt4)
    {
        var alike = Measure(GgufType.Q6_K, GgufType.Q6_K, isInt4);
        var mixed = Measure(GgufType.Q6_K, GgufType.Q8_0, isInt4);

        Assert.InRange(alike["Q6_K"], 0, 1.0 / 2048);
        Assert.InRange(mixed["Q6_K"], 1e-3, 2e-2);
    }

    [Fact]
    public void StoredError_GateAndUpOnGridsThatEightBitsHold_IsNothing()
    {
        var errors = Measure(GgufType.Q4_0, GgufType.Q8_0, isInt4: true);

        Assert.Equal(0, errors["Q4_0"]);
        Assert.Equal(0, errors["Q8_0"]);
    }

    /// <summary>Whichever expert is off the grid, and whichever is asked for first.</summary>
    [Theory]
    [InlineData(-1, true)]
    [InlineData(0, false)]
    [InlineData(Experts - 1, false)]
    public void FindsGrid_OneExpertOffTheGrid_IsFoundForNone(int off, bool expected)
    {
        using var folder = new TemporaryFolder();
        var path = Write(folder, GgufType.F32, GgufType.F32, off);
        using var checkpoint = CheckpointReader.Open(path);
        var mixture = checkpoint.Weights.Mixtures.Single();
        var rounding = new PlainRounding(PlainRounding.DefaultGroup);
        rounding.Join(checkpoint.Weights.Mixtures);

        Assert.All(mixture.GateUp, linear => Assert.Equal(expected, rounding.FindsGrid(checkpoint.Tensors, linear)));
        Assert.All(mixture.Down, linear => Assert.True(rounding.FindsGrid(checkpoint.Tensors, linear)));
    }

    private static Dictionary<string, double> Measure(GgufType gate, GgufType up, bool isInt4)
    {
        using var folder = new TemporaryFolder();
        using var checkpoint = CheckpointReader.Open(Write(folder, gate, up, off: 0));
        var rounding = isInt4 ? new PlainRounding(32) : null;
        return StoredError.Measure(checkpoint, new ParallelOptions(), rounding, isOwn: true, isCalibrated: false)
            .ToDictionary(error => error.Type, error => error.Relative);
    }

    /// <summary>A Mixtral of one layer; weights lie on a 4-bit grid but for those of gate and up of an expert.</summary>
    private static string Write(TemporaryFolder folder, GgufType gate, GgufType up, int off)
    {
        var random = new Random(7);
        var writer = GgufWriter.Llama(Width, 2, 2, Width / 2);
        writer.Add("llama.block_count", 1u);
        writer.Add("llama.feed_forward_length", (uint)Width);
        writer.Add("llama.context_length", 64u);
        writer.Add("llama.attention.layer_norm_rms_epsilon", 1e-5f);
        writer.Add("llama.expert_count", (uint)Experts);
        writer.Add("llama.expert_used_count", 2u);
        foreach (var name in (string[])["attn_norm", "ffn_norm"])
            Add($"blk.0.{name}.weight", GgufType.F32, [Width]);
        Add("output_norm.weight", GgufType.F32, [Width]);
        Add("token_embd.weight", GgufType.F32, [8, Width]);
        Add("output.weight", GgufType.F32, [8, Width]);
        foreach (var name in (string[])["attn_q", "attn_k", "attn_v", "attn_output"])
            Add($"blk.0.{name}.weight", GgufType.F32, [Width, Width]);
        Add("blk.0.ffn_gate_inp.weight", GgufType.F32, [Experts, Width]);
        Add("blk.0.ffn_gate_exps.weight", gate, [Experts, Width, Width]);
        Add("blk.0.ffn_up_exps.weight", up, [Experts, Width, Width]);
        Add("blk.0.ffn_down_exps.weight", GgufType.F32, [Experts, Width, Width]);
        return writer.Write(folder.File("model.gguf"));

        void Add(string name, GgufType type, long[] shape)
        {
            var values = new float[shape.Aggregate((a, b) => a * b)];
            var isLoose = name.Contains("gate_exps", StringComparison.Ordinal) || name.Contains("up_exps", StringComparison.Ordinal);
            for (var i = 0; i < values.Length; i++)
            {
                // Both ends of the codes in every group of 32.
                var code = (i % 32) switch { 0 => -8, 1 => 7, _ => random.Next(-8, 8) };
                values[i] = isLoose && i / (Width * Width) == off ? (random.NextSingle() - 0.5f) / 4 : code / 64f;
            }

            writer.Add(name, type, shape, GgufCheckpoint.Encode(type, values));
        }
    }
}
