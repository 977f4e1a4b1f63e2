using Parley.Generator.Sequences;
using Parley.Generator.Streaming;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Tests.Parity;

/// <summary>
/// Models with states beside keys and values, with a latent and with layers that share keys, bit for bit: a sequence's log-probabilities
/// are the same numbers however its prompt was cut, beside whom, from which snapshot, after which preemption and with which drafts.
/// </summary>
public sealed class StateBitsTests
{
    private const int Count = 48;

    public static TheoryData<string, string> Packages { get; } =
    [
        .. ParityCheckpoint.Recurrent.Select(row => row.Data).Concat(["glm4-moe-lite-mla", "gemma4-e-in-multimodal"])
            .SelectMany(name => new[] { "int8", "int4" }.Select(precision => new TheoryDataRow<string, string>(name, precision))),
    ];

    [Theory]
    [MemberData(nameof(Packages))]
    public void Logprobs_HoweverASequenceIsComputed_AreTheSameBits(string name, string precision)
    {
        var checkpoint = new ParityCheckpoint(name);
        using var package = new ParityPackage(checkpoint.Folder, precision);
        var prompts = checkpoint.Cases().Select(scene => scene.Ids).ToList();
        // One that repeats itself, so that drafts are right at times.
        prompts.Add([.. prompts[0][..20], .. prompts[0][..20], .. prompts[0][..7]]);
        var requests = prompts.Select(prompt => (prompt, Array.Empty<uint>())).ToList();
        IReadOnlyList<(uint, string)[]> alone;
        using (var engine = new ParityEngine(package))
            alone = [.. requests.Select(request => Bits(engine.Run(Count, true, request)[0]))];

        foreach (var stepTokens in new[] { 4, 7, 64 })
        {
            using var engine = new ParityEngine(package, stepTokens: stepTokens);
            AssertSame(alone, engine.Run(Count, true, requests), $"batched, {stepTokens} tokens a step");
            AssertSame(alone, engine.Run(Count, true, requests), $"from snapshots, {stepTokens} tokens a step");
            Assert.True(engine.Totals.CachedTokens > 0, "nothing came from the cache");
            Assert.Equal(package.Shape.States is not null, engine.Snapshot.StateSnapshotsTaken > 0);
        }

        using (var engine = new ParityEngine(package, blocks: 12, context: 160))
        {
            AssertSame(alone, engine.Run(Count, true, requests), "preempted");
            Assert.True(engine.Totals.Preemptions > 0, "nothing was preempted");
        }

        using (var engine = new ParityEngine(package, draftTokens: 4))
        {
            AssertSame(alone, engine.Run(Count, true, requests), "with drafts");
            AssertSame(alone, engine.Run(Count, true, requests), "with drafts, from snapshots");
            // Whether an answer says again what was there is chance: on to prompts that repeat themselves until one does.
            for (var i = 0; engine.Totals.DraftTokens == 0 && i < 20; i++)
            {
                uint[] prompt = [.. Enumerable.Repeat(prompts[0][i..(i + 1 + (i % 3))], 12).SelectMany(ids => ids)];
                using var other = new ParityEngine(package);
                AssertSame([Bits(other.Run(Count, true, (prompt, []))[0])], engine.Run(Count, true, (prompt, [])), "with drafts, repeated");
            }

            TestContext.Current.TestOutputHelper?.WriteLine(
                $"{name} {precision}: {engine.Totals.AcceptedTokens} of {engine.Totals.DraftTokens} drafted tokens were right");
        }
    }

    /// <summary>The next replica reads prompt and answer as one prompt, and goes on with the very numbers.</summary>
    [Theory]
    [MemberData(nameof(Packages))]
    public void Logprobs_ResumedElsewhere_AreTheSameBits(string name, string precision)
    {
        var prompt = new ParityCheckpoint(name).Cases()[1].Ids;
        using var package = new ParityPackage(new ParityCheckpoint(name).Folder, precision);
        using var first = new ParityEngine(package);
        var whole = first.Run(Count, true, (prompt, []))[0];
        using var second = new ParityEngine(package, stepTokens: 16);
        foreach (var resumed in new[] { 1, 14, 47 })
        {
            uint[] begun = [.. whole[..resumed].Select(token => token.Id)];
            Assert.Equal(Bits(whole)[resumed..], Bits(second.Run(Count, true, (prompt, begun))[0]));
        }
    }

    /// <summary>Several answers to one prompt, and the next turn of each, go on from the states of the ones before.</summary>
    [Theory]
    [MemberData(nameof(Packages))]
    public void Logprobs_OfChoicesAndNextTurns_AreTheSameBits(string name, string precision)
    {
        var prompt = new ParityCheckpoint(name).Cases()[0].Ids;
        using var package = new ParityPackage(new ParityCheckpoint(name).Folder, precision);
        using var engine = new ParityEngine(package);
        var turns = engine.Run(Count, true, (prompt, []), (prompt, []), (prompt, []));
        Assert.All(turns, turn => Assert.Equal(Bits(turns[0]), Bits(turn)));
        uint[] next = [.. prompt, .. turns[0].Select(token => token.Id), .. prompt[..9]];
        var cached = engine.Totals.CachedTokens;
        var continued = engine.Run(12, true, (next, []))[0];
        Assert.True(engine.Totals.CachedTokens - cached > prompt.Length, "the next turn began anew");

        using var other = new ParityEngine(package, stepTokens: 9);
        Assert.Equal(Bits(other.Run(12, true, (next, []))[0]), Bits(continued));
    }

    [Theory]
    [MemberData(nameof(ParityCheckpoint.Recurrent), MemberType = typeof(ParityCheckpoint))]
    public void Open_AManifestOfOtherStates_IsRefusedByName(string name)
    {
        using var package = new ParityPackage(new ParityCheckpoint(name).Folder);
        var (shape, state) = (package.Shape, package.Shape.States![0]);
        Refuse(shape with { States = null }, "state_in");
        Refuse(shape with { States = [.. shape.States!.Skip(1)] }, state.InputName);
        Refuse(shape with { States = [state with { Rows = state.Rows + 1 }, .. shape.States!.Skip(1)] }, state.InputName);
        Refuse(shape with { States = [state with { Kind = "other" }, .. shape.States!.Skip(1)] }, $"other_state.{state.Layer}");
        Refuse(shape with { KeylessLayers = null }, "key_cache.0");

        void Refuse(ModelShape other, string named)
        {
            var exception = Assert.Throws<InvalidDataException>(() => package.Open(ParityPackage.Options(), other));
            Assert.Contains(named, exception.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>
    /// One token alone has a number where the first layer's linear has weights beyond which there are none: the states and keys of whoever
    /// reads it are none from there on. Those end, and nobody else notices, neither beside them nor in what they leave behind.
    /// </summary>
    [Theory]
    [InlineData("lfm2", "conv.in_proj",
        """{"norm_eps":1e-5,"layer_types":["conv","full_attention","conv","conv"],"tie_embedding":false}""")]
    [InlineData("qwen3_5_text", "linear_attn.in_proj_qkv",
        """
        {"rms_norm_eps":1e-5,"full_attention_interval":4,"linear_num_key_heads":2,"linear_num_value_heads":4,"linear_key_head_dim":16,
         "linear_value_head_dim":32,"head_dim":32}
        """)]
    [InlineData("granitemoehybrid", "mamba.in_proj",
        """
        {"rms_norm_eps":1e-5,"layer_types":["mamba","attention","mamba","mamba"],"num_local_experts":0,"mamba_n_heads":8,"mamba_n_groups":2,
         "mamba_d_state":24,"shared_intermediate_size":80,"tie_word_embeddings":false}
        """)]
    public void Run_AStateThatIsNoNumber_EndsThatSequenceAlone(string modelType, string linear, string fields)
    {
        const uint Poison = 7;
        using var folder = new TemporaryFolder();
        var source = RandomCheckpoint.Write(folder, modelType, fields, seed: 4);
        RandomCheckpoint.Change(source, tensors =>
        {
            var (embeddings, weights) = (
                tensors["model.embed_tokens.weight"].Values, tensors[$"model.layers.0.{linear}.weight"].Values);
            for (var row = 63; row < embeddings.Length; row += 64)
                embeddings[row] = row / 64 == Poison ? 1 : 0;
            for (var row = 63; row < weights.Length; row += 64)
                weights[row] = 3e38f;
        });
        using var package = new ParityPackage(source);
        uint[] Prompt(int seed) => [.. Enumerable.Range(0, 40).Select(i => (uint)(8 + ((seed + (i * 29)) % 370)))];
        uint[][] prompts = [Prompt(1), Prompt(2), [.. Prompt(3)[..20], Poison, .. Prompt(3)[20..]], [.. Prompt(1), Poison]];
        var alone = prompts[..2].Select(prompt =>
        {
            using var engine = new ParityEngine(package);
            return Bits(engine.RunToEnds(Count, prompt)[0].Tokens);
        }).ToList();

        using var shared = new ParityEngine(package, blocks: 24, stepTokens: 16);
        for (var round = 0; round < 3; round++)
        {
            // The last goes on from the snapshot of the first, and must not leave it a number less.
            var ends = shared.RunToEnds(Count, prompts);
            Assert.All(ends[2..], end => Assert.Equal((FailureReason.ModelFault, 0), (end.End.Failure!.Value, end.Tokens.Length)));
            Assert.All(ends[..2], end => Assert.Null(end.End.Failure));
            Assert.Equal(alone, ends[..2].Select(end => Bits(end.Tokens)));
        }

        Assert.True(shared.Snapshot.StateSnapshotsTaken > 0);
    }

    internal static (uint, string)[] Bits(IEnumerable<StreamedToken> tokens) =>
    [
        .. tokens.Select(token => (token.Id, string.Join(' ', token.Detail!.Top.Select(top => top.Logprob)
            .Prepend(token.Detail.Logprob!.Value).Select(BitConverter.SingleToInt32Bits)))),
    ];

    private static void AssertSame(IReadOnlyList<(uint, string)[]> expected, StreamedToken[][] actual, string how)
    {
        foreach (var (i, tokens) in actual.Index())
            Assert.True(expected[i].SequenceEqual(Bits(tokens)), $"sequence {i} {how} has other bits");
    }
}
