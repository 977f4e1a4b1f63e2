using System.Text.Json;
using System.Text.Json.Nodes;
using Parley.ModelImporter.Quantization;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Parity;

/// <summary>Checkpoints whose makers rounded them, against what the reference computes from the same weights.</summary>
public sealed class QuantizedFormTests
{
    /// <summary>Numbers of expected.json are written with seven digits.</summary>
    private const double DigitsBound = 6e-7;

    /// <summary>Sums are those of another order of additions.</summary>
    private const double SumBound = 1e-5;

    private const double LogitBound = 1e-4;

    /// <summary>Where the two best logits are closer than this part of the largest, fp32 decides nothing.</summary>
    private const double MarginBound = 1e-3;

    /// <summary>Each form, the precision that it gets where nobody asks, and the bits of its linears there.</summary>
    public static TheoryData<string, string, int> Forms { get; } = new()
    {
        { "awq-g64", "int4", 4 },
        { "bnb-int8", "int8", 8 },
        { "bnb-nf4-double", "int4", 4 },
        { "ct-fp8-channel", "int8", 8 },
        { "ct-int4-g32", "int4", 4 },
        { "ct-int8-channel-w8a8", "int8", 8 },
        { "ct-nvfp4", "int8", 8 },
        { "fp8-block128", "int8", 8 },
        { "fp8-static-tensor", "int8", 8 },
        { "gptq-actorder-asym-g64", "int4", 4 },
        { "gptq-sym-g128", "int4", 4 },
        { "gptq-v2-asym-g32", "int4", 4 },
        { "mlx-4bit-g64", "int4", 4 },
    };

    public static TheoryData<string> Names { get; } = [.. Forms.Select(row => row.Data.Item1)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Tensors_OfEachForm_AreTheReferences(string name)
    {
        var folder = Shared.Fixture("quantised", name);
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json")));
        using var checkpoint = CheckpointReader.Open(folder);
        var worst = 0.0;
        foreach (var tensor in document.RootElement.GetProperty("tensors").EnumerateObject())
        {
            var expected = tensor.Value;
            var shape = expected.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64()).ToArray();
            Assert.Equal(shape, checkpoint.Tensors.Source(tensor.Name).Shape);
            var values = new float[shape[0] * shape[1]];
            checkpoint.Tensors.Read(tensor.Name, 0, values);
            worst = Math.Max(worst, CheckEnds(values[..8], Fixture.Numbers(expected.GetProperty("first8")), tensor.Name));
            worst = Math.Max(worst, CheckEnds(values[^8..], Fixture.Numbers(expected.GetProperty("last8")), tensor.Name));
            var magnitude = expected.GetProperty("sum_abs").GetDouble();
            Assert.InRange(Math.Abs(values.Sum(value => (double)Math.Abs(value)) - magnitude), 0, SumBound * magnitude);
            Assert.InRange(Math.Abs(values.Sum(value => (double)value) - expected.GetProperty("sum").GetDouble()), 0, SumBound * magnitude);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: {worst:E1}");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Logits_InFp32_AreTheReferences(string name)
    {
        var folder = Shared.Fixture("quantised", name);
        using var source = new TemporaryFolder();
        using var package = new ParityPackage(AsRecorded(folder, source));
        using var runner = package.Open(ParityPackage.Options());
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json")));
        foreach (var scene in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            uint[] ids = [.. scene.GetProperty("ids").EnumerateArray().Select(id => id.GetUInt32())];

            var logits = package.Logits(runner, [ids], 64)[0];

            var (last, middle) = (
                Fixture.RelativeError(logits[^1], Fixture.Numbers(scene.GetProperty("last_logits"))),
                Fixture.RelativeError(logits[ids.Length / 2], Fixture.Numbers(scene.GetProperty("mid_logits"))));
            TestContext.Current.TestOutputHelper?.WriteLine($"{name}: last {last:E1}, middle {middle:E1}");
            Assert.InRange(last, 0, LogitBound);
            Assert.InRange(middle, 0, LogitBound);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Greedy_InFp32_IsTheReferences(string name)
    {
        var folder = Shared.Fixture("quantised", name);
        using var source = new TemporaryFolder();
        using var package = new ParityPackage(AsRecorded(folder, source));
        using var engine = new ParityEngine(package);
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json")));
        foreach (var scene in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            uint[] ids = [.. scene.GetProperty("ids").EnumerateArray().Select(id => id.GetUInt32())];
            uint[] greedy = [.. scene.GetProperty("greedy_ignore_eos").EnumerateArray().Select(id => id.GetUInt32())];
            var bound = MarginBound * Fixture.Numbers(scene.GetProperty("last_logits")).Max(MathF.Abs);
            var decided = Fixture.Numbers(scene.GetProperty("margins")).TakeWhile(margin => margin >= bound).Count();

            var answer = engine.Greedy(greedy.Length, ids)[0];

            Assert.True(decided > 0);
            Assert.Equal(greedy[..decided], answer[..decided]);
        }
    }

    /// <summary>
    /// What <c>up</c> makes of each form: the file's own codes where a grid of ours holds them, and never far from fp32 of the same
    /// weights. What permutes inputs, moves minima or looks levels up shows here.
    /// </summary>
    [Theory]
    [MemberData(nameof(Forms))]
    public void Package_InItsOwnPrecision_AnswersAsFp32(string name, string precision, int bits)
    {
        var folder = Shared.Fixture("quantised", name);
        Assert.Equal(precision, ModelImport.DefaultPrecision(folder));
        using var exact = new ParityPackage(folder);
        using var package = new ParityPackage(folder, precision);
        using var exactRunner = exact.Open(ParityPackage.Options());
        using var runner = package.Open(ParityPackage.Options());
        uint[] ids = [.. Enumerable.Range(0, 60).Select(i => (uint)((i * 37) % 384))];
        var error = new LogitError();

        foreach (var (actual, expected) in package.Logits(runner, [ids], 16)[0].Zip(exact.Logits(exactRunner, [ids], 16)[0]))
            error.Add(actual, expected);

        var stored = package.Result.TypeErrors;
        TestContext.Current.TestOutputHelper?.WriteLine($"{name}: logits {error}, {StoredError.ToNote(stored)}");
        Assert.InRange(error.RootMeanSquare, 0, 0.08);
        Assert.All(stored.Where(entry => !entry.Stored.Contains(" and ", StringComparison.Ordinal)),
            entry => Assert.StartsWith($"{bits} bits", entry.Stored, StringComparison.Ordinal));
        Assert.NotEmpty(stored);
        // A grid that is kept loses the rounding of scales and minima alone.
        Assert.All(stored, entry => Assert.InRange(entry.Relative, 0, KeepsGrid(name) ? 1.0 / 1024 : 0.01));
        Assert.Contains(package.Result.Notes, note => note.Contains(stored[0].Type, StringComparison.Ordinal));
    }

    [Fact]
    public void Import_OfScalesThatDoNotFit_NamesFileTensorWantedAndFound()
    {
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.GetFiles(Shared.Fixture("quantised", "fp8-block128")))
            File.Copy(file, folder.File(Path.GetFileName(file)));
        var path = folder.File("config.json");
        File.WriteAllText(path, System.Text.RegularExpressions.Regex.Replace(
            File.ReadAllText(path), @"""weight_block_size"":\s*\[[^\]]*\]", "\"weight_block_size\":[64,128]"));

        var message = Assert.Throws<InvalidDataException>(() => CheckpointReader.Open(folder.Path)).Message;

        Assert.Contains("model.safetensors: tensor", message, StringComparison.Ordinal);
        Assert.Contains("weight_scale_inv has the shape [", message, StringComparison.Ordinal);
        Assert.Contains("blocks of 64 × 128", message, StringComparison.Ordinal);
    }

    /// <summary>
    /// The logits of the two of bitsandbytes were recorded with rotary frequencies that had been rounded to bf16 (the weights were not): a
    /// forward pass in double precision is 7e-3 off without that, and 1e-6 with it. The same frequencies can be said in config.json.
    /// </summary>
    private static string AsRecorded(string folder, TemporaryFolder target)
    {
        if (!Path.GetFileName(folder).StartsWith("bnb-", StringComparison.Ordinal))
            return folder;
        foreach (var file in Directory.GetFiles(folder))
            File.Copy(file, target.File(Path.GetFileName(file)));
        var config = JsonNode.Parse(File.ReadAllText(target.File("config.json")))!.AsObject();
        var (size, context) = (config["head_dim"]!.GetValue<int>(), config["max_position_embeddings"]!.GetValue<int>());
        var theta = config["rope_parameters"]!["rope_theta"]!.GetValue<double>();
        var factors = Enumerable.Range(0, size / 2).Select(pair =>
        {
            var frequency = (float)Math.Pow(theta, -2.0 * pair / size);
            var bits = BitConverter.SingleToUInt32Bits(frequency);
            return frequency / BitConverter.UInt32BitsToSingle((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000);
        }).ToArray();
        config["rope_parameters"] = new JsonObject
        {
            ["rope_type"] = "longrope",
            ["rope_theta"] = theta,
            ["factor"] = 1,
            ["attention_factor"] = 1,
            ["original_max_position_embeddings"] = context,
            ["short_factor"] = new JsonArray([.. factors.Select(factor => (JsonNode)factor)]),
            ["long_factor"] = new JsonArray([.. factors.Select(factor => (JsonNode)factor)]),
        };
        File.WriteAllText(target.File("config.json"), config.ToJsonString());
        return target.Path;
    }

    private static bool KeepsGrid(string name) => !name.Contains("fp8", StringComparison.Ordinal) && name != "bnb-nf4-double";

    private static double CheckEnds(float[] actual, float[] expected, string name)
    {
        var worst = 0.0;
        foreach (var (one, other) in actual.Zip(expected))
        {
            Assert.True(Math.Abs(one - other) <= DigitsBound * Math.Abs(other), $"{name}: {one}, not {other}");
            worst = Math.Max(worst, other == 0 ? 0 : Math.Abs(one - other) / Math.Abs(other));
        }

        return worst;
    }
}
