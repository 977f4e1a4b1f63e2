using System.Diagnostics;
using System.Text;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Tests;

/// <summary>Sources that are damaged or made to harm, the same in every run: each is read, or refused as invalid data.</summary>
public sealed class HostileSourceTests
{
    private const string Index = """{"metadata":{"total_size":8},"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors"}}""";

    [Theory]
    [InlineData("pytorch_model.bin", "pytorch_model.bin is pickled")]
    [InlineData("consolidated.00.pth", "consolidated.00.pth is pickled")]
    [InlineData("pytorch_model-00001-of-00002.bin pytorch_model-00002-of-00002.bin", "00001-of-00002.bin and 1 more are pickled")]
    [InlineData("model.h5", "such checkpoints are imported.")]
    public void Import_PickledWeights_AreRefusedWithTheReason(string names, string expected)
    {
        using var folder = new TemporaryFolder();
        var copy = new CheckpointCopy(folder, Fixture.TiedLlama3Rope);
        File.Delete(copy.FileOf("model.safetensors"));
        foreach (var name in names.Split(' '))
            File.WriteAllText(copy.FileOf(name), "");

        var message = Assert.Throws<InvalidDataException>(() => Import(copy.Path, folder.File("package"))).Message;

        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tokenizer.json")]
    [InlineData("tokenizer.model")]
    [InlineData("config.json")]
    [InlineData("generation_config.json")]
    public void Import_SmallFileOfAbsurdLength_IsRefusedByItsName(string name)
    {
        using var folder = new TemporaryFolder();
        var copy = new CheckpointCopy(folder, Fixture.TiedLlama3Rope);
        using (var file = File.Open(copy.FileOf(name), FileMode.OpenOrCreate, FileAccess.Write))
            file.SetLength((512L << 20) + 1);

        var message = Assert.Throws<InvalidDataException>(() => Import(copy.Path, folder.File("package"))).Message;

        Assert.Contains(name, message, StringComparison.Ordinal);
        Assert.False(Path.Exists(folder.File("package")));
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("generation_config.json")]
    public void Open_DamagedConfiguration_IsReadOrRefused(string name)
    {
        using var folder = new TemporaryFolder();
        var copy = new CheckpointCopy(folder, Fixture.TiedLlama3Rope);
        Damage(copy.FileOf(name), File.ReadAllBytes(copy.FileOf(name)), () =>
        {
            using var checkpoint = CheckpointReader.Open(copy.Path);
        });
    }

    [Fact]
    public void Open_DamagedIndex_IsReadOrRefused()
    {
        using var folder = new TemporaryFolder();
        foreach (var (number, name) in new[] { (1, "a"), (2, "b") })
        {
            var header = Encoding.UTF8.GetBytes($$$"""{"{{{name}}}":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""");
            File.WriteAllBytes(
                folder.File($"model-{number}.safetensors"), [.. BitConverter.GetBytes((long)header.Length), .. header, 0, 0, 0, 0]);
        }

        Damage(folder.File("model.safetensors.index.json"), Encoding.UTF8.GetBytes(Index), () =>
        {
            using var tensors = CheckpointTensors.Open(folder.Path);
        });
    }

    /// <summary>JSON that is deep, long or beyond the numbers, where a careless reader runs out of stack or memory.</summary>
    [Theory]
    [InlineData("""{"model_type":"llama","hidden_size":1e999}""")]
    [InlineData("""{"model_type":"llama","hidden_size":NaN}""")]
    [InlineData("""{"model_type":"llama","num_hidden_layers":2147483647}""")]
    [InlineData("""{"model_type":"\ud800"}""")]
    [InlineData("""{"model_type":"llama","\udfff":1}""")]
    [InlineData("deep")]
    public void Open_ConfigurationBeyondAnyModel_IsRefused(string json)
    {
        using var folder = new TemporaryFolder();
        var copy = new CheckpointCopy(folder, Fixture.TiedLlama3Rope);
        File.WriteAllText(copy.FileOf("config.json"), json == "deep" ? new string('[', 1 << 20) : json);

        Assert.Contains("config.json",
            Assert.Throws<InvalidDataException>(() => CheckpointReader.Open(copy.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Import_ToAFullDisk_SaysSoAndLeavesNothing()
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "A small file system is mounted by root on Linux only.");
        using var folder = new TemporaryFolder();
        var disk = Directory.CreateDirectory(folder.File("disk")).FullName;
        Assert.SkipUnless(Run("mount", "-t", "tmpfs", "-o", "size=200k", "none", disk), "This machine mounts no file system here.");
        try
        {
            var exception = Assert.Throws<IOException>(() => Import(Fixture.Folder(Fixture.TiedLlama3Rope), Path.Combine(disk, "package")));

            Assert.Contains("disk", exception.Message, StringComparison.OrdinalIgnoreCase);
            Assert.Empty(Directory.EnumerateFileSystemEntries(disk));
        }
        finally
        {
            Run("umount", disk);
        }
    }

    private static void Damage(string path, byte[] whole, Action open)
    {
        string[] values = ["null", "-1", "1e999", "9223372036854775808", "[]", "{}", "\"\"", "\"../x\"", "true", "\"\\ud800\"", "[[", "\0"];
        var random = new Random(1);
        var (read, refused) = (0, 0);
        for (var round = 0; round < 1_500; round++)
        {
            byte[] bytes = [.. whole];
            var at = random.Next(bytes.Length);
            if (round % 2 == 0)
            {
                var end = Math.Min(bytes.Length, at + random.Next(6));
                bytes = [.. bytes[..at], .. Encoding.UTF8.GetBytes(values[random.Next(values.Length)]), .. bytes[end..]];
            }
            else
            {
                bytes[at] = (byte)random.Next(256);
            }

            File.WriteAllBytes(path, bytes);
            try
            {
                open();
                read++;
            }
            catch (InvalidDataException exception)
            {
                Assert.NotEmpty(exception.Message);
                refused++;
            }
        }

        Assert.True(read > 20 && refused > 300, $"{read} read, {refused} refused");
    }

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    private static ImportResult Import(string source, string destination) =>
        ModelImport.Run(new ImportOptions { Source = source, Destination = destination, Precision = "int8" });
}
