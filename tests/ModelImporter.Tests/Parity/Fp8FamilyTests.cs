namespace Parley.ModelImporter.Tests.Parity;

/// <summary>
/// FP8 of families whose matrices hold several linears, or parts that take turns: blocks of 128 × 128 that end where no part does, and one
/// scale a matrix. What they answer is, bit for bit, what the same weights spelled out answer.
/// </summary>
public sealed class Fp8FamilyTests
{
    private const string Delta = """
        {"rms_norm_eps":1e-5,"hidden_size":192,"intermediate_size":160,"full_attention_interval":2,"linear_num_key_heads":2,
         "linear_num_value_heads":6,"linear_key_head_dim":32,"linear_value_head_dim":16,"head_dim":48
        """;

    private const string Experts = """
        ,"num_experts":4,"num_experts_per_tok":2,"moe_intermediate_size":144,"shared_expert_intermediate_size":136
        """;

    private const string Hybrid = """
        {"rms_norm_eps":1e-5,"hidden_size":192,"layer_types":["mamba","attention","mamba","mamba"],"mamba_n_heads":8,"mamba_n_groups":2,
         "mamba_d_state":24,"shared_intermediate_size":144,"attention_multiplier":0.2,"num_attention_heads":4
        """;

    public static TheoryData<string, string> Families { get; } = new()
    {
        { "qwen3_5_text", Delta + "}" },
        { "qwen3_5_moe_text", Delta + Experts + "}" },
        { "qwen3_next", Delta + Experts + "}" },
        { "granitemoehybrid", Hybrid + ""","num_local_experts":0}""" },
        { "granitemoehybrid", Hybrid + ""","num_local_experts":4,"num_experts_per_tok":2,"intermediate_size":136}""" },
    };

    [Theory]
    [MemberData(nameof(Families))]
    public void Logits_OfBlocks_AreThoseOfTheirWeights(string modelType, string fields) => Check(modelType, fields, (128, 128));

    [Theory]
    [MemberData(nameof(Families))]
    public void Logits_OfOneScaleAMatrix_AreThoseOfTheirWeights(string modelType, string fields) => Check(modelType, fields, null);

    private static void Check(string modelType, string fields, (int Rows, int Columns)? block)
    {
        using var folder = new TemporaryFolder();
        var (plain, source) = Fp8Checkpoint.Write(folder, modelType, fields, block);

        var expected = Logits(plain);

        Assert.All(expected, logit => Assert.True(float.IsFinite(logit)));
        Assert.Equal(expected, Logits(source));
    }

    private static float[] Logits(string source)
    {
        uint[] ids = [.. Enumerable.Range(0, 40).Select(i => (uint)((i * 37) % 384))];
        using var package = new ParityPackage(source);
        using var runner = package.Open(ParityPackage.Options());
        return [.. package.Logits(runner, [ids], 16)[0].SelectMany(row => row)];
    }
}
