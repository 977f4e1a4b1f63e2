using System.Text;
using System.Text.Json;
using Parley.ModelImporter.Tests.Parity;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Tests.Architectures;

/// <summary>Configurations on the Hub hold numbers that JSON has not, such as Granite 4's limit of time steps.</summary>
public sealed class PythonNumbersTests
{
    [Theory]
    [InlineData("""{"a":[0.0, Infinity]}""", """{"a":[0.0, {"__float__":"Infinity"}]}""")]
    [InlineData("""{"a":-Infinity,"b":NaN}""", """{"a":{"__float__":"-Infinity"},"b":{"__float__":"NaN"}}""")]
    [InlineData("""{"Infinity":"NaN \" Infinity","b":-1,"c":"\\"}""", """{"Infinity":"NaN \" Infinity","b":-1,"c":"\\"}""")]
    [InlineData("""["Infinity\\",Infinity]""", """["Infinity\\",{"__float__":"Infinity"}]""")]
    [InlineData("\"\\", "\"\\")]
    public void Spell_NumbersOfPython_BecomeJson(string python, string json) =>
        Assert.Equal(json, Encoding.UTF8.GetString(PythonNumbers.Spell(Encoding.UTF8.GetBytes(python))));

    [Fact]
    public void Import_OfAConfigurationWithInfinity_LeavesJsonInThePackage()
    {
        using var folder = new TemporaryFolder();
        var source = RandomCheckpoint.Write(folder, "granitemoehybrid",
            """
            {"rms_norm_eps":1e-5,"layer_types":["mamba","attention","mamba","mamba"],"num_local_experts":0,"mamba_n_heads":8,
             "mamba_d_state":16,"shared_intermediate_size":64}
            """, seed: 2);
        var path = Path.Combine(source, "config.json");
        File.WriteAllText(path, File.ReadAllText(path).TrimEnd()[..^1] + ",\"time_step_limit\":[0.0, Infinity]}");

        var result = ModelImport.Run(new ImportOptions { Source = source, Destination = folder.File("package"), Precision = "fp32" });

        using var written = JsonDocument.Parse(File.ReadAllText(folder.File("package/config.json")));
        Assert.Equal("Infinity", written.RootElement.GetProperty("time_step_limit")[1].GetProperty("__float__").GetString());
        Assert.DoesNotContain(result.Notes, note => note.Contains("time_step_limit", StringComparison.Ordinal));
        File.WriteAllText(path, File.ReadAllText(path).Replace("[0.0, Infinity]", "[0.001, 0.1]", StringComparison.Ordinal));
        Assert.Contains("time_step_limit is [0.001,0.1]",
            Assert.Throws<InvalidDataException>(() => CheckpointReader.ReadConfig(source)).Message, StringComparison.Ordinal);
    }
}
