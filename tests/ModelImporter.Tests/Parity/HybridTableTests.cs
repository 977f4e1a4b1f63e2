using System.Globalization;
using Parley.Generator.Execution.Kernels;
using Parley.ModelImporter.Tests.Gguf;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Parity;

/// <summary>
/// docs/benchmarks/hybrids.md: what each architecture with states, latents, shared keys or sinks was measured to do. Each row is measured
/// here anew, and must be the page's; of errors the size counts, since another processor sums in another order.
/// </summary>
public sealed class HybridTableTests
{
    private const int Count = 24;
    private const double LogitBound = 1e-4;

    /// <summary>An error may be so many times what the page says.</summary>
    private const double Near = 12;

    private static readonly Lazy<string[]> Page = new(() =>
        File.ReadAllLines(Path.Combine(Shared.RepositoryRoot, "docs", "benchmarks", "hybrids.md")));

    private static readonly string[] Fixtures =
    [
        "lfm2", "lfm3", "qwen3.5-in-multimodal", "granite4-hybrid", "granite-swa", "gemma4-e-in-multimodal", "glm4-moe-lite-mla",
    ];

    private static readonly (string Name, string Fields)[] Families =
    [
        (
            "lfm2_moe",
            """
            {"norm_eps":1e-5,"layer_types":["conv","full_attention","conv","full_attention"],"num_experts":6,"num_experts_per_tok":3,
             "moe_intermediate_size":64,"num_dense_layers":1,"conv_L_cache":3,"rope_theta":1000000.0}
            """
        ),
        (
            "qwen3_5_moe_text",
            """
            {"rms_norm_eps":1e-5,"head_dim":32,"full_attention_interval":4,"linear_num_key_heads":2,"linear_num_value_heads":4,
             "linear_key_head_dim":16,"linear_value_head_dim":32,"linear_conv_kernel_dim":4,"num_experts":8,"num_experts_per_tok":3,
             "moe_intermediate_size":64,"shared_expert_intermediate_size":32,"rope_theta":900.0}
            """
        ),
        (
            "qwen3_next",
            """
            {"rms_norm_eps":1e-5,"head_dim":32,"full_attention_interval":2,"linear_num_key_heads":2,"linear_num_value_heads":4,
             "linear_key_head_dim":32,"linear_value_head_dim":16,"linear_conv_kernel_dim":4,"num_experts":8,"num_experts_per_tok":3,
             "moe_intermediate_size":32,"shared_expert_intermediate_size":64,"rope_theta":900.0}
            """
        ),
        (
            "granitemoehybrid",
            """
            {"rms_norm_eps":1e-5,"layer_types":["mamba","attention","mamba","mamba"],"num_local_experts":6,"num_experts_per_tok":2,
             "mamba_n_heads":8,"mamba_n_groups":2,"mamba_d_state":32,"mamba_d_conv":4,"mamba_expand":2,"shared_intermediate_size":64,
             "attention_multiplier":0.2,"residual_multiplier":0.5,"logits_scaling":3.0}
            """
        ),
        (
            "gemma4_text, dense",
            """
            {"rms_norm_eps":1e-5,"head_dim":16,"global_head_dim":32,"num_global_key_value_heads":1,"attention_k_eq_v":true,
             "sliding_window":12,"hidden_size_per_layer_input":0,"final_logit_softcapping":30.0,
             "layer_types":["sliding_attention","full_attention","sliding_attention","full_attention"]}
            """
        ),
        (
            "gemma4_text, mixture",
            """
            {"rms_norm_eps":1e-5,"head_dim":16,"global_head_dim":32,"num_global_key_value_heads":1,"attention_k_eq_v":true,
             "sliding_window":12,"enable_moe_block":true,"num_experts":6,"top_k_experts":2,"moe_intermediate_size":64,
             "hidden_size_per_layer_input":0,
             "layer_types":["sliding_attention","full_attention","sliding_attention","full_attention"]}
            """
        ),
        (
            "deepseek_v2",
            """
            {"rms_norm_eps":1e-5,"num_key_value_heads":4,"n_routed_experts":8,"num_experts_per_tok":3,"moe_intermediate_size":32,
             "n_group":4,"topk_group":2,"topk_method":"group_limited_greedy","n_shared_experts":2,"first_k_dense_replace":2,
             "q_lora_rank":null,"kv_lora_rank":64,"qk_nope_head_dim":32,"qk_rope_head_dim":16,"v_head_dim":16,
             "routed_scaling_factor":1.5}
            """
        ),
        (
            "deepseek_v3",
            """
            {"rms_norm_eps":1e-5,"num_key_value_heads":4,"n_routed_experts":8,"num_experts_per_tok":2,"moe_intermediate_size":64,
             "n_group":2,"topk_group":1,"n_shared_experts":1,"first_k_dense_replace":1,"q_lora_rank":64,"kv_lora_rank":32,
             "qk_nope_head_dim":32,"qk_rope_head_dim":16,"v_head_dim":32,"routed_scaling_factor":2.5,"norm_topk_prob":true,
             "scoring_func":"sigmoid"}
            """
        ),
    ];

    /// <summary>A checkpoint of ../shared/fixtures/hf, with its GGUF file if there is one; or a family with random weights.</summary>
    public static TheoryData<string, string?> Rows { get; } = AllRows();

    [Theory]
    [MemberData(nameof(Rows))]
    public void Row_OfAnArchitecture_IsThatOfThePage(string name, string? fields)
    {
        using var folder = new TemporaryFolder();
        var (source, gguf, cases) = fields is null ? Fixture(name, folder) : Random(name, fields, folder);

        var cells = Measure(source, gguf, cases);

        var row = $"| {name} | {string.Join(" | ", cells)} |";
        TestContext.Current.TestOutputHelper?.WriteLine(row);
        var line = Page.Value.SingleOrDefault(line =>
            line.StartsWith($"| {name} |", StringComparison.Ordinal) && line.Count(letter => letter == '|') == cells.Length + 2);
        Assert.True(line is not null, "docs/benchmarks/hybrids.md lacks:\n" + row);
        var said = line.Split('|', StringSplitOptions.TrimEntries)[2..^1];
        Assert.True(
            cells.Length == said.Length && cells.Zip(said).All(pair => AreAlike(pair.First, pair.Second)),
            $"docs/benchmarks/hybrids.md says:\n{line}\nand measured was:\n{row}");
    }

    /// <summary>The same text, or errors of one size.</summary>
    private static bool AreAlike(string measured, string said) => measured == said
        || (double.TryParse(measured, CultureInfo.InvariantCulture, out var one) && one < 1
            && double.TryParse(said, CultureInfo.InvariantCulture, out var other) && one < Near * other && other < Near * one);

    private static string[] Measure(string source, string? gguf, IReadOnlyList<ParityCase> cases)
    {
        using var exact = new ParityPackage(source);
        using var package = new ParityPackage(source, "int8");
        var prompts = cases.Select(scene => scene.Ids).ToArray();
        var alone = Alone(package, prompts);
        var greedy = Greedy(exact, cases);
        // The block for further tokens has keys of its own, and only where it drafts.
        var shape = exact.Shape with { Drafter = null };
        var (state, keys) = (shape.StateBytes, KvCacheFormat.TokenBytes(KvCachePrecision.Fp16, shape));
        return
        [
            Shown(Worst(exact, cases)), greedy, Chunked(package, prompts, alone), Batched(package, prompts, alone),
            Cached(package, prompts, alone), Preempted(package, prompts, alone), Drafted(package, prompts, alone),
            gguf is null ? "–" : $"`{Architecture(gguf)}`", gguf is null ? "–" : Shown(OfGguf(gguf, cases)),
            state == 0 ? "–" : state.ToString("N0", CultureInfo.InvariantCulture), keys.ToString("N0", CultureInfo.InvariantCulture),
        ];
    }

    private static double Worst(ParityPackage package, IReadOnlyList<ParityCase> cases)
    {
        using var runner = package.Open(ParityPackage.Options());
        var worst = 0.0;
        foreach (var chunk in new[] { 256, 64, 7, 1 })
        {
            foreach (var (scene, rows) in cases.Zip(package.Logits(runner, [.. cases.Select(scene => scene.Ids)], chunk)))
            {
                worst = Math.Max(worst, Math.Max(
                    Tests.Fixture.RelativeError(rows[^1], scene.Last), Tests.Fixture.RelativeError(rows[scene.MiddleIndex], scene.Middle)));
            }
        }

        Assert.InRange(worst, 0, LogitBound);
        return worst;
    }

    private static TheoryData<string, string?> AllRows()
    {
        var rows = new TheoryData<string, string?>();
        foreach (var name in Fixtures)
            rows.Add(name, null);
        foreach (var (name, fields) in Families)
            rows.Add(name, fields);
        return rows;
    }

    private static string Greedy(ParityPackage package, IReadOnlyList<ParityCase> cases)
    {
        var decided = ParityTests.DecidedLengths(package, cases);
        using var engine = new ParityEngine(package);
        var answers = cases.Select(scene => engine.Greedy(scene.Greedy.Length, scene.Ids)[0]).ToArray();
        return Enumerable.Range(0, cases.Count).All(i => answers[i].Take(decided[i]).SequenceEqual(cases[i].Greedy.Take(decided[i])))
            ? "equal" : "other ids";
    }

    private static IReadOnlyList<(uint, string)[]> Alone(ParityPackage package, uint[][] prompts) => [.. prompts.Select(prompt =>
    {
        using var engine = new ParityEngine(package);
        return StateBitsTests.Bits(engine.Run(Count, true, (prompt, []))[0]);
    })];

    private static string Chunked(ParityPackage package, uint[][] prompts, IReadOnlyList<(uint, string)[]> alone)
    {
        using var engine = new ParityEngine(package, stepTokens: 7);
        return Told(alone, [.. prompts.Select(prompt => StateBitsTests.Bits(engine.Run(Count, true, (prompt, []))[0]))]);
    }

    private static string Batched(ParityPackage package, uint[][] prompts, IReadOnlyList<(uint, string)[]> alone)
    {
        using var engine = new ParityEngine(package);
        return Told(alone, Together(engine, prompts));
    }

    private static string Cached(ParityPackage package, uint[][] prompts, IReadOnlyList<(uint, string)[]> alone)
    {
        using var engine = new ParityEngine(package);
        _ = Together(engine, prompts);
        var again = Together(engine, prompts);
        Assert.True(engine.Totals.CachedTokens > 0);
        return Told(alone, again);
    }

    private static string Preempted(ParityPackage package, uint[][] prompts, IReadOnlyList<(uint, string)[]> alone)
    {
        for (var blocks = 16; blocks > 5; blocks--)
        {
            using var engine = new ParityEngine(package, blocks, context: blocks * 16);
            var answers = Together(engine, prompts);
            if (engine.Totals.Preemptions > 0)
                return Told(alone, answers);
        }

        return "never";
    }

    private static string Drafted(ParityPackage package, uint[][] prompts, IReadOnlyList<(uint, string)[]> alone)
    {
        using var engine = new ParityEngine(package, draftTokens: 4);
        return Told(alone, Together(engine, prompts));
    }

    private static IReadOnlyList<(uint, string)[]> Together(ParityEngine engine, uint[][] prompts) =>
        [.. engine.Run(Count, true, [.. prompts.Select(prompt => (prompt, Array.Empty<uint>()))]).Select(StateBitsTests.Bits)];

    private static string Told(IReadOnlyList<(uint, string)[]> alone, IReadOnlyList<(uint, string)[]> answers) =>
        alone.Zip(answers).All(pair => pair.First.SequenceEqual(pair.Second)) ? "same bits" : "other bits";

    private static double OfGguf(string gguf, IReadOnlyList<ParityCase> cases)
    {
        using var package = new ParityPackage(gguf);
        return Worst(package, cases);
    }

    private static string Architecture(string gguf)
    {
        using var checkpoint = CheckpointReader.Open(gguf);
        return (string)checkpoint.Tensors.Gguf!.Configuration.Metadata["general.architecture"];
    }

    private static (string Source, string? Gguf, IReadOnlyList<ParityCase> Cases) Fixture(string name, TemporaryFolder folder)
    {
        var checkpoint = new ParityCheckpoint(name);
        var file = Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(checkpoint.Folder))!, "gguf", $"{name}.gguf");
        var cases = checkpoint.Cases();
        if (name == "glm4-moe-lite-mla")
            return (checkpoint.Folder, ConvertedFile.Write(folder, checkpoint.Folder), cases);
        if (!File.Exists(file))
            return (checkpoint.Folder, null, cases);
        var target = Directory.CreateDirectory(folder.File("gguf")).FullName;
        File.Copy(file, Path.Combine(target, "model.gguf"));
        foreach (var other in new[] { "tokenizer.json", "tokenizer_config.json" })
            File.Copy(Path.Combine(checkpoint.Folder, other), Path.Combine(target, other));
        return (checkpoint.Folder, Path.Combine(target, "model.gguf"), cases);
    }

    /// <summary>Prompts of 40 ids, and what the plain forward pass answers.</summary>
    private static (string Source, string? Gguf, IReadOnlyList<ParityCase> Cases) Random(
        string name, string fields, TemporaryFolder folder)
    {
        var source = RandomCheckpoint.Write(folder, name.Split(',')[0], fields, seed: fields.Length);
        var (random, reference) = (new Random(fields.Length), new FamilyForward(source));
        var cases = Enumerable.Range(0, 3).Select(_ =>
        {
            List<int> ids = [.. Enumerable.Range(0, 40).Select(_ => random.Next(384))];
            var logits = reference.Logits([.. ids]);
            var greedy = new List<uint>();
            for (var rows = logits; greedy.Count < 12; rows = reference.Logits([.. ids]))
            {
                greedy.Add((uint)Array.IndexOf(rows[^1], rows[^1].Max()));
                ids.Add((int)greedy[^1]);
            }

            uint[] prompt = [.. ids[..40].Select(id => (uint)id)];
            return new ParityCase(prompt, Narrow(logits[^1]), Narrow(logits[20]), [.. greedy]);
        }).ToList();
        return (source, ConvertedFile.Write(folder, source), cases);

        static float[] Narrow(double[] row) => [.. row.Select(value => (float)value)];
    }

    private static string Shown(double error) => error.ToString("0.0e-0", CultureInfo.InvariantCulture);
}
