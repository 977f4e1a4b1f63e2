using System.Globalization;
using System.Text.RegularExpressions;
using Parley.Tokenizer.Encoders;
using Parley.TokenizerFormat;

namespace Parley.Benchmarks.Gguf;

/// <summary>
/// <c>gguf table FOLDER [TYPE …]</c>: a Llama checkpoint in bf16 (SmolLM2) as GGUF files of one type each, imported as <c>up</c> would;
/// what became of its logits, how large it is, how long the import took and how much memory. <c>gguf write FOLDER TYPE FILE</c>: one such
/// file.
/// </summary>
internal static class GgufTable
{
    private const int ContextTokens = 512;
    private static readonly string[] SmallFiles = ["generation_config.json", "tokenizer.json", "tokenizer_config.json"];

    public static async Task PrintAsync(string[] args)
    {
        switch (args)
        {
            case ["table", var folder, .. var types]:
                await PrintTableAsync(folder, types.Length == 0 ? Enum.GetValues<BlockType>() : [.. types.Select(Enum.Parse<BlockType>)]);
                return;
            case ["write", var folder, var type, var file]:
                GgufFileWriter.Write(new WidenedCheckpoint(folder), Enum.Parse<BlockType>(type), file);
                return;
            default:
                Console.WriteLine("gguf table FOLDER [TYPE …] | gguf write FOLDER TYPE FILE");
                return;
        }
    }

    private static async Task PrintTableAsync(string folder, IReadOnlyList<BlockType> types)
    {
        var root = Directory.CreateTempSubdirectory("parley-gguf-bench-").FullName;
        try
        {
            var checkpoint = new WidenedCheckpoint(folder);
            var tokenizer = new HuggingFaceTokenizer(TokenizerFile.Parse(File.ReadAllBytes(Path.Combine(folder, "tokenizer.json"))));
            var ids = tokenizer.Encode(Material.ChatMessage).Select(id => (uint)id).ToArray();
            var original = await LogitsAsync(folder, Path.Combine(root, "original"), ids);
            Console.WriteLine($"{ids.Length} ids; hidden size widened with zeros to {checkpoint.Hidden}; load {Load()}");
            Console.WriteLine("| Type | Read | Precision | Bits of a weight, file → package | Weights, package from file "
                + "| Logits, package from file | file from original | package from original | File | Package "
                + "| Import | Processor | Anonymous memory |");
            Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
            foreach (var type in types)
                Console.WriteLine(await RowAsync(checkpoint, folder, type, root, ids, original));
            Console.WriteLine($"load {Load()}");
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static async Task<string> RowAsync(
        WidenedCheckpoint checkpoint, string folder, BlockType type, string root, uint[] ids, float[] original)
    {
        var source = Directory.CreateDirectory(Path.Combine(root, type.ToString())).FullName;
        foreach (var name in SmallFiles.Where(name => File.Exists(Path.Combine(folder, name))))
            File.Copy(Path.Combine(folder, name), Path.Combine(source, name));
        var file = Path.Combine(source, "model.gguf");
        var (bytes, weights) = GgufFileWriter.Write(checkpoint, type, file);
        var exact = await LogitsAsync(file, Path.Combine(root, "exact"), ids);
        var package = Path.Combine(root, "package");
        var import = await ImportProcess.RunAsync(file, package, "--context", ContextTokens.ToString(CultureInfo.InvariantCulture));
        if (import.Refusal is not null)
            return $"| {type} | no: {import.Refusal} |";
        var logits = PackageLogits.Read(package, ids);
        var precision = Generator.Model.ModelPackage.Open(package).Manifest.Precision;
        var data = new FileInfo(Path.Combine(package, "model.data")).Length;
        var row = string.Create(CultureInfo.InvariantCulture,
            $"| {type} | yes | {precision} | {8.0 * bytes / weights:0.00} → {8.0 * data / weights:0.00} "
            + $"| {WeightError(type, import.Output)} | {PackageLogits.Error(logits, exact):0.00000} "
            + $"| {PackageLogits.Error(exact, original):0.00000} | {PackageLogits.Error(logits, original):0.00000} "
            + $"| {new FileInfo(file).Length / 1e6:0} MB | {data / 1e6:0} MB "
            + $"| {import.Seconds:0.0} s | {import.ProcessorSeconds:0.0} s | {import.AnonymousBytes >> 20} MiB |");
        Directory.Delete(package, recursive: true);
        Directory.Delete(source, recursive: true);
        return row;
    }

    /// <summary>What the import says that it made of the weights; of types that were not rounded it says nothing.</summary>
    private static string WeightError(BlockType type, string output)
    {
        var found = Regex.Match(output, $@"\b{type} ([0-9.]*[0-9])");
        return found.Success ? found.Groups[1].Value : "";
    }

    /// <summary>The logits of a source in fp32.</summary>
    private static async Task<float[]> LogitsAsync(string source, string package, uint[] ids)
    {
        var import = await ImportProcess.RunAsync(
            source, package, "--precision", "fp32", "--context", ContextTokens.ToString(CultureInfo.InvariantCulture));
        if (import.Refusal is not null)
            throw new InvalidOperationException(import.Refusal);
        var logits = PackageLogits.Read(package, ids);
        Directory.Delete(package, recursive: true);
        return logits;
    }

    private static string Load() => File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : "unknown";
}
