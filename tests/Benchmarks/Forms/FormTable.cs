using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Parley.Benchmarks.Gguf;
using Parley.Tokenizer.Encoders;
using Parley.TokenizerFormat;

namespace Parley.Benchmarks.Forms;

/// <summary>
/// <c>forms fixtures FOLDER</c>: each quantised checkpoint of a folder that has an expected.json, imported in fp32 and as <c>up</c> would.
/// <c>forms table FOLDER [KIND …]</c>: a Llama checkpoint in bf16 rounded to each form here, imported, and its distribution over a text
/// beside that of the weights that the form states. <c>forms write FOLDER KIND TARGET</c>: one such checkpoint.
/// </summary>
internal static partial class FormTable
{
    private const string Context = "1024";
    private const int TextTokens = 768;

    private static readonly string[] SmallFiles = ["generation_config.json", "tokenizer.json", "tokenizer_config.json"];

    public static async Task PrintAsync(string[] args)
    {
        switch (args)
        {
            case ["fixtures", var folder]:
                await PrintFixturesAsync(folder);
                return;
            case ["table", var folder, .. var kinds]:
                await PrintTableAsync(folder, kinds.Length == 0 ? Enum.GetValues<StoredKind>() : [.. kinds.Select(Enum.Parse<StoredKind>)]);
                return;
            case ["write", var folder, var kind, var target]:
                Write(folder, Enum.Parse<StoredKind>(kind), target);
                return;
            default:
                Console.WriteLine("forms fixtures FOLDER | forms table FOLDER [KIND …] | forms write FOLDER KIND TARGET");
                return;
        }
    }

    private static async Task PrintFixturesAsync(string folder)
    {
        Console.WriteLine($"load {Load()}");
        Console.WriteLine("| Checkpoint | Read | Logits in fp32 | Precision | Weights, package from file | KL | Import |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (var source in Directory.GetDirectories(folder).Where(name => File.Exists(Path.Combine(name, "expected.json"))).Order())
        {
            var root = Directory.CreateTempSubdirectory("parley-forms-").FullName;
            using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(source, "expected.json")));
            var scene = document.RootElement.GetProperty("cases")[0];
            uint[] ids = [.. scene.GetProperty("ids").EnumerateArray().Select(id => id.GetUInt32())];
            float[] expected = [.. scene.GetProperty("last_logits").EnumerateArray().Select(value => value.GetSingle())];
            Console.WriteLine(await RowAsync(Path.GetFileName(source), source, root, ids, expected));
            Directory.Delete(root, recursive: true);
        }
    }

    private static async Task PrintTableAsync(string folder, IReadOnlyList<StoredKind> kinds)
    {
        var tokenizer = new HuggingFaceTokenizer(TokenizerFile.Parse(File.ReadAllBytes(Path.Combine(folder, "tokenizer.json"))));
        uint[] ids = [.. tokenizer.Encode(Material.LongText[..16_384]).Take(TextTokens).Select(id => (uint)id)];
        Console.WriteLine($"{ids.Length} ids; load {Load()}");
        Console.WriteLine("| Form | Read | Precision | Bits of a weight, file → package | Weights, package from file | KL | Import |");
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (var kind in kinds)
        {
            var root = Directory.CreateTempSubdirectory("parley-forms-").FullName;
            var source = Path.Combine(root, "source");
            Write(folder, kind, source);
            Console.WriteLine(await RowAsync(kind.ToString(), source, root, ids, expected: null));
            Directory.Delete(root, recursive: true);
        }
    }

    private static async Task<string> RowAsync(string name, string source, string root, uint[] ids, float[]? expected)
    {
        var (exact, package) = (Path.Combine(root, "exact"), Path.Combine(root, "package"));
        var plain = await ImportProcess.RunAsync(source, exact, "--precision", "fp32", "--context", Context);
        if (plain.Refusal is not null)
            return $"| {name} | no: {plain.Refusal} |";
        var import = await ImportProcess.RunAsync(source, package, "--context", Context);
        if (import.Refusal is not null)
            return $"| {name} | no: {import.Refusal} |";
        var (reference, actual) = (PackageLogits.Read(exact, ids), PackageLogits.Read(package, ids));
        var manifest = Generator.Model.ModelPackage.Open(package).Manifest;
        var logits = expected is null ? Bits(source, package, manifest.Parameters) : Largest(reference[^expected.Length..], expected);
        var row = expected is null ? $"{manifest.Precision} | {logits}" : $"{logits} | {manifest.Precision}";
        return string.Create(CultureInfo.InvariantCulture,
            $"| {name} | yes | {row} | {Error().Match(import.Output.ReplaceLineEndings(" ")).Groups[1].Value} "
            + $"| {Divergence(reference, actual, ids.Length):0.0e0} | {import.Seconds:0.0} s, {import.AnonymousBytes >> 20} MiB |");
    }

    private static string Bits(string source, string package, long weights)
    {
        var file = new FileInfo(Path.Combine(source, "model.safetensors")).Length;
        var data = new FileInfo(Path.Combine(package, "model.data")).Length;
        return string.Create(CultureInfo.InvariantCulture, $"{8.0 * file / weights:0.00} → {8.0 * data / weights:0.00}");
    }

    private static string Largest(float[] actual, float[] expected)
    {
        var difference = actual.Zip(expected).Max(pair => Math.Abs((double)pair.First - pair.Second));
        return string.Create(CultureInfo.InvariantCulture, $"{difference / expected.Max(MathF.Abs):0.0e0}");
    }

    /// <summary>KL of the package's distributions to those of the stated weights, mean over the rows, in nats.</summary>
    private static double Divergence(float[] reference, float[] actual, int rows)
    {
        var (width, sum) = (reference.Length / rows, 0.0);
        for (var row = 0; row < rows; row++)
        {
            var p = reference.AsSpan(row * width, width);
            var q = actual.AsSpan(row * width, width);
            var (logP, logQ) = (LogSum(p), LogSum(q));
            for (var i = 0; i < width; i++)
                sum += Math.Exp(p[i] - logP) * (p[i] - logP - (q[i] - logQ));
        }

        return sum / rows;
    }

    private static double LogSum(ReadOnlySpan<float> logits)
    {
        var (largest, sum) = ((double)System.Numerics.Tensors.TensorPrimitives.Max(logits), 0.0);
        foreach (var logit in logits)
            sum += Math.Exp(logit - largest);
        return largest + Math.Log(sum);
    }

    private static void Write(string folder, StoredKind kind, string target)
    {
        Directory.CreateDirectory(target);
        foreach (var name in SmallFiles.Where(name => File.Exists(Path.Combine(folder, name))))
            File.Copy(Path.Combine(folder, name), Path.Combine(target, name));
        using var checkpoint = new PlainCheckpoint(folder);
        using var file = new FormFileWriter(Path.Combine(target, "model.safetensors"));
        var encoder = new FormEncoder(kind, file);
        foreach (var name in checkpoint.Names)
        {
            var shape = checkpoint.ShapeOf(name);
            if (name.EndsWith("_proj.weight", StringComparison.Ordinal))
                encoder.Write(name[..^".weight".Length], checkpoint.Weights(name), shape[1]);
            else
                file.Add(name, "BF16", shape, checkpoint.Bytes(name));
        }

        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!.AsObject();
        foreach (var (field, value) in JsonNode.Parse(encoder.Configuration)!.AsObject())
            config[field] = value!.DeepClone();
        File.WriteAllText(Path.Combine(target, "config.json"), config.ToJsonString());
    }

    private static string Load() => File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : "unknown";

    [GeneratedRegex(@"over that of the weights:\s*(.*?)\.\s")]
    private static partial Regex Error();
}
