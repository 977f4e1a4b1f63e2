using Google.Protobuf;
using Parley.ModelImporter.Exports;
using Parley.ModelImporter.Graph.Onnx;
using Parley.ModelImporter.Inspection;
using DataType = Parley.ModelImporter.Graph.Onnx.TensorProto.Types.DataType;

namespace Parley.ModelImporter.Tests.Exports;

/// <summary>Exports that are no exports, or ask for more than to be read.</summary>
public sealed class HostileExportTests
{
    private static readonly Dictionary<string, (Action<ModelProto> Change, string Fault)> Graphs = new()
    {
        ["a library's operator"] = (model => model.Graph.Node[^1].Domain = "evil.ops", "domain evil.ops"),
        ["an operator of a library in a branch"] = (model => Branch(model, node => node.Domain = "evil.ops"), "domain evil.ops"),
        ["a device's own graph"] = (model => Branch(model, node => node.OpType = "EPContext"), "EPContext"),
        ["weights elsewhere"] = (model => Place(model, "../secret"), "\"../secret\", which is not the name of a file"),
        ["weights by an absolute path"] = (model => Place(model, "/etc/hostname"), "not the name of a file"),
        ["weights by a path of Windows"] = (model => Place(model, "..\\secret"), "not the name of a file"),
        ["weights nowhere"] = (model => Place(model, "none.data"), "none.data is missing"),
        ["weights in the configuration"] = (model => Place(model, "tokenizer.json"), "the name of another file"),
        ["weights behind the end"] = (model => Entry(model, "offset").Value = "999999999", "999999999"),
        ["weights before the beginning"] = (model => Entry(model, "offset").Value = "-1", "offset is -1"),
        ["a beam"] = (model => Input(model, "beam_width", DataType.Int32), "input beam_width"),
        ["a merged graph of old"] = (model => Input(model, "use_cache_branch", DataType.Int64), "input use_cache_branch"),
        ["images"] = (model => Input(model, "pixel_values", DataType.Float), "input pixel_values"),
        ["no mask of numbers"] = (model => Of(model, "attention_mask").ElemType = DataType.Float, "attention_mask"),
        ["caches of bytes"] = (model => Of(model, "past_key_values.1.key").ElemType = DataType.Int8, "past_key_values.1.key"),
        ["other heads in a layer"] =
            (model => Of(model, "past_key_values.1.value").Shape.Dim[1].DimValue = 3, "past_key_values.1.value"),
        ["a cache without its other half"] =
            (model => model.Graph.Output.Remove(Find(model.Graph.Output, "present.2.value")), "no output present.2.value"),
        ["no caches"] = (model => Find(model.Graph.Input, "past_key_values.0.key").Name = "past.0", "no input past_key_values.0.key"),
        ["no logits"] = (model => model.Graph.Output.Remove(Find(model.Graph.Output, "logits")), "no output logits"),
        ["an attribute elsewhere"] = (model => model.Graph.Node.First(node => node.OpType == "Constant").Attribute[0].T.DataLocation =
            TensorProto.Types.DataLocation.External, "lies in another file"),
    };

    private static readonly Dictionary<string, (string From, string To, string Fault)> Configurations = new()
    {
        ["a path for the graph"] = ("\"model.onnx\"", "\"../model.onnx\"", "model.decoder.filename"),
        ["no graph"] = ("\"model.onnx\"", "\"other.onnx\"", "other.onnx, which is missing"),
        ["a pipeline"] = ("\"head_size\"", "\"pipeline\":[{}],\"head_size\"", "model.decoder.pipeline"),
        ["a vision part"] = ("\"type\"", "\"vision\":{},\"type\"", "model.vision"),
        ["a name without a layer"] = ("past_key_values.%d.key", "past_key_values.key", "no %d"),
        ["other heads"] = ("\"num_key_value_heads\":2", "\"num_key_value_heads\":4", "heads 2"),
        ["a head size of nothing"] = ("\"head_size\":16", "\"head_size\":0", "model.decoder.head_size"),
        ["an end beyond the vocabulary"] = ("\"eos_token_id\":[1]", "\"eos_token_id\":[5000]", "eos_token_id"),
        ["no model"] = ("\"model\":", "\"modle\":", "model is missing"),
    };

    public static TheoryData<string> GraphNames => [.. Graphs.Keys];

    public static TheoryData<string> ConfigurationNames => [.. Configurations.Keys];

    [Theory]
    [MemberData(nameof(GraphNames))]
    public void Graph_ThatIsNotToBeRun_IsRefusedByName(string name)
    {
        using var folder = new TemporaryFolder();
        var export = ExportWriter.Write(folder, new ExportStyle()).Export;
        var path = Path.Combine(export, "model.onnx");
        var model = ModelProto.Parser.ParseFrom(File.ReadAllBytes(path));
        Graphs[name].Change(model);
        File.WriteAllBytes(path, model.ToByteArray());

        Refuses(folder, export, Graphs[name].Fault);
    }

    [Theory]
    [MemberData(nameof(ConfigurationNames))]
    public void Configuration_ThatDoesNotFit_IsRefusedByItsField(string name)
    {
        using var folder = new TemporaryFolder();
        var export = ExportWriter.Write(folder, new ExportStyle()).Export;
        var path = Path.Combine(export, "genai_config.json");
        var (from, to, fault) = Configurations[name];
        var text = File.ReadAllText(path);
        Assert.Contains(from, text, StringComparison.Ordinal);
        File.WriteAllText(path, text.Replace(from, to, StringComparison.Ordinal));

        Refuses(folder, export, fault);
    }

    [Fact]
    public void Graph_OfAnyBytes_IsRefusedAndNothingElse()
    {
        using var folder = new TemporaryFolder();
        var export = ExportWriter.Write(folder, new ExportStyle()).Export;
        var path = Path.Combine(export, "model.onnx");
        var bytes = File.ReadAllBytes(path);
        var random = new Random(3);
        for (var i = 0; i < 60; i++)
        {
            var changed = bytes.ToArray();
            for (var j = 0; j < 1 + (i % 4); j++)
                changed[random.Next(changed.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(path, i % 5 == 0 ? changed[..random.Next(changed.Length)] : changed);
            try
            {
                ModelImport.Run(
                    new ImportOptions { Source = export, Destination = folder.File($"package{i}"), Precision = ModelImport.Exported });
            }
            catch (InvalidDataException)
            {
            }
        }
    }

    [Fact]
    public void Folder_OfSeveralGraphs_TakesTheMostExactAndNamesTheOthers()
    {
        using var folder = new TemporaryFolder();
        var export = ExportWriter.Write(folder, new ExportStyle { IsGenai = false }).Export;
        var place = Path.Combine(export, "onnx");
        File.Copy(Path.Combine(place, "model.onnx"), Path.Combine(place, "model_q4.onnx"));

        var result = ModelImport.Run(
            new ImportOptions { Source = export, Destination = folder.File("package"), Precision = ModelImport.Exported });

        Assert.Contains(
            result.Notes, note => note.StartsWith("model.onnx was taken; beside it lie model_q4.onnx", StringComparison.Ordinal));
        Assert.Contains(result.Notes, note => note.Contains("one sequence at a time", StringComparison.Ordinal));
        Assert.Equal("export", ModelImport.NameOf(Path.Combine(place, "model_q4.onnx")));
        Assert.Equal(place, Path.GetDirectoryName(ExportSource.Open(Path.Combine(place, "model_q4.onnx")).GraphPath));
        Assert.NotEqual(
            ModelImport.SourceHash(export), ModelImport.SourceHash(Path.Combine(place, "model_q4.onnx")));
    }

    [Fact]
    public void Folder_WithACheckpointBesideTheGraph_IsTheCheckpoint()
    {
        using var folder = new TemporaryFolder();
        var (checkpoint, export) = ExportWriter.Write(folder, new ExportStyle { IsGenai = false });
        File.Copy(Path.Combine(checkpoint, "model.safetensors"), Path.Combine(export, "model.safetensors"));

        Assert.False(ExportSource.Is(export));
        Assert.True(ExportSource.Is(Path.Combine(export, "onnx", "model.onnx")));
        Assert.NotEqual(ModelImport.Exported, ModelImport.DefaultPrecision(export));
    }

    [Fact]
    public void Folder_OfACheckpoint_IsNoExport()
    {
        using var folder = new TemporaryFolder();

        Refuses(folder, ExportWriter.Write(folder, new ExportStyle()).Checkpoint, "is the precision of exports alone");
    }

    [Fact]
    public void Folder_WithoutATokenizer_IsRefused()
    {
        using var folder = new TemporaryFolder();
        var export = ExportWriter.Write(folder, new ExportStyle()).Export;
        File.Delete(Path.Combine(export, "tokenizer.json"));

        Refuses(folder, export, "tokenizer.json is missing");
    }

    [Theory]
    [InlineData(true, "sequences run together, each in its slot")]
    [InlineData(false, "sequences run one after the other")]
    public void Tree_OfAnExport_SaysWhatItIsAndHowItRuns(bool isGenai, string sentence)
    {
        using var folder = new TemporaryFolder();
        var export = ExportWriter.Write(folder, new ExportStyle { IsGenai = isGenai, Bits = 4 }).Export;

        var tree = ModelTree.Read(export);

        Assert.Contains(tree.Meaning, meaning => meaning.Contains(sentence, StringComparison.Ordinal));
        Assert.Contains("4 x ", tree.ToText(), StringComparison.Ordinal);
        // Embedding, head, and of each layer 4 · 64² less half of the keys and values, 3 · 64 · 96, and two norms. Where the rotation is
        // written out its tables look like weights.
        var tables = isGenai ? 0 : 2 * 256 * 8;
        Assert.Equal((2 * 384 * 64) + 64 + (4 * ((3 * 64 * 64) + (3 * 64 * 96) + 128)) + tables, tree.Parameters);
        Assert.Contains(tree.Files, file => file.Name.EndsWith(".onnx", StringComparison.Ordinal));
        Assert.Equal(256, ModelTree.ReadShape(export).ContextTokensMax);
        Assert.True(ModelTree.MeasureWeights(export, ModelImport.Exported, 256).Bytes > 100_000);
    }

    private static void Refuses(TemporaryFolder folder, string export, string fault)
    {
        var options = new ImportOptions { Source = export, Destination = folder.File("package"), Precision = ModelImport.Exported };
        var message = Assert.Throws<InvalidDataException>(() => ModelImport.Run(options)).Message;

        Assert.Contains(fault, message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.File("package")));
    }

    private static void Branch(ModelProto model, Action<NodeProto> change)
    {
        var inner = new NodeProto { Name = "inner", OpType = "Identity", Input = { "logits" }, Output = { "x" } };
        change(inner);
        var node = new NodeProto { Name = "outer", OpType = "If" };
        node.Attribute.Add(new AttributeProto
        {
            Name = "then_branch",
            Type = AttributeProto.Types.AttributeType.Graph,
            G = new GraphProto { Node = { inner } },
        });
        model.Graph.Node.Add(node);
    }

    private static StringStringEntryProto Entry(ModelProto model, string key) =>
        model.Graph.Initializer[0].ExternalData.Single(entry => entry.Key == key);

    private static void Place(ModelProto model, string name) => Entry(model, "location").Value = name;

    private static void Input(ModelProto model, string name, DataType type) => model.Graph.Input.Add(new ValueInfoProto
    {
        Name = name,
        Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = type, Shape = new TensorShapeProto() } },
    });

    private static TypeProto.Types.Tensor Of(ModelProto model, string input) => Find(model.Graph.Input, input).Type.TensorType;

    private static ValueInfoProto Find(IEnumerable<ValueInfoProto> values, string name) => values.Single(value => value.Name == name);
}
