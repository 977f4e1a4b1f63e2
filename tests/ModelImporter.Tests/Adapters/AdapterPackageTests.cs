using System.Globalization;
using System.Runtime.InteropServices;
using Parley.ModelImporter.AdapterPackages;
using Parley.ModelImporter.Gguf;
using Parley.ModelImporter.Graph.Onnx;
using Parley.ModelImporter.Safetensors;
using Parley.ModelImporter.Tests.Gguf;
using Parley.ModelImporter.Tests.Parity;
using Parley.PackageFormat;
using Parley.TestSupport;

namespace Parley.ModelImporter.Tests.Adapters;

/// <summary>Adapters made ready to be served: what stands in their folder, added to the base, is the package of the merged model.</summary>
public sealed class AdapterPackageTests : IDisposable
{
    private const string Llama = "llama";
    private const string Query = "model.layers.1.self_attn.q_proj";

    private readonly TemporaryFolder _folder = new();

    /// <summary>A family, its fields, and modules of a layer that are targets, with outputs and inputs.</summary>
    public static TheoryData<string, string, string> Families { get; } = new()
    {
        { Llama, "{}", "0.self_attn.q_proj 3.self_attn.v_proj 2.self_attn.o_proj 1.mlp.up_proj 1.mlp.down_proj" },
        { "phi3", """{"pad_token_id":0,"bos_token_id":0,"eos_token_id":1}""", "0.self_attn.qkv_proj 2.mlp.gate_up_proj 3.mlp.down_proj" },
        { "qwen2", "{}", "0.self_attn.k_proj 0.mlp.gate_proj 3.self_attn.q_proj" },
        { "starcoder2", "{}", "0.mlp.c_fc 1.mlp.c_proj 3.self_attn.k_proj" },
    };

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Families))]
    public void PackageAndAdapter_InFp32_AreTheMergedPackage(string type, string fields, string modules)
    {
        var source = RandomCheckpoint.Write(_folder, type, fields, 7);
        var adapter = new AdapterFolder(_folder, """{"target_modules":"all-linear","use_rslora":true}""");
        AddModules(adapter, source, modules);

        AssertIsMerged(source, adapter.Write());
    }

    [Theory]
    [InlineData("qwen3.5-in-multimodal")]
    [InlineData("granite4-hybrid")]
    [InlineData("lfm2")]
    [InlineData("olmoe")]
    [InlineData("glm4-moe-lite-mla")]
    public void PackageAndAdapter_OfOtherLinears_AreTheMergedPackage(string name)
    {
        var source = Shared.Fixture("hf", name);
        using var checkpoint = CheckpointReader.Open(source);
        var adapter = new AdapterFolder(_folder, """{"target_modules":"all-linear"}""");
        // Every matrix that is served, by the name that the checkpoint's own module has.
        var stacks = checkpoint.Weights.Layers.SelectMany(layer => layer.Stacks).ToList();
        var inStacks = stacks.SelectMany(stack => stack.Runs).Select(run => run.Part.Weight).ToHashSet();
        foreach (var stack in stacks.Where(stack => stack.Names[0].Contains("q_proj", StringComparison.Ordinal)
            || stack.Names[0].Contains("in_proj.", StringComparison.Ordinal)))
            adapter.Product(stack.Name, stack.Outputs, stack.Inputs);
        foreach (var linear in checkpoint.Weights.Layers.SelectMany(layer => layer.Linears).Where(linear => linear.Stack is null))
        {
            foreach (var part in linear.Parts.Where(part => !inStacks.Contains(part.Weight)))
                adapter.Product(part.Weight[..^".weight".Length], part.Outputs, linear.Inputs);
        }

        AssertIsMerged(source, adapter.Write());
    }

    [Fact]
    public void Adapter_OfLlamaCpp_HasTheRowsInTheGraphsOrder()
    {
        var source = GgufCheckpoint.Write(_folder, Fixture.UntiedHeadDim32, withConfig: false, _ => GgufType.F32);

        AssertIsMerged(source, GgufAdapterFolder.Convert(_folder, Shared.Fixture("lora", "all-rslora-r4"), headSize: 32));
    }

    [Fact]
    public void Inputs_InAnOrderOfTheirOwn_AreTheColumnsOfTheNode()
    {
        var source = Shared.Fixture("quantised", "gptq-actorder-asym-g64");
        var adapter = new AdapterFolder(_folder, """{"target_modules":"all-linear"}""");
        var (outputs, inputs) = Shape(source, Query);
        adapter.Product(Query, outputs, inputs);
        using var package = new ParityPackage(source, "int4");
        var manifest = Make(adapter.Write(), package.Result.Path);

        var linear = Assert.Single(manifest.Linears);

        using var checkpoint = CheckpointReader.Open(source);
        var order = checkpoint.Tensors.GridOf($"{Query}.weight")!.Order!.Inputs.ToArray();
        Assert.NotEqual(Enumerable.Range(0, inputs), order);
        var stored = adapter.Tensors[$"{AdapterFolder.Wrapper}{Query}.lora_A.weight"].Values;
        var part = Assert.Single(linear.Parts);
        var a = Numbers(_folder.File("made/adapter.data"), part.A, AdapterFolder.Rank * linear.Inputs);
        Assert.Equal(stored.Chunk(inputs).SelectMany(row => order.Select(column => row[column])), a);
        Assert.StartsWith("layers.1.qkv", linear.Node, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("int8")]
    [InlineData("int4")]
    public void Nodes_OfARoundedPackage_AreThoseOfItsGraph(string precision)
    {
        var source = RandomCheckpoint.Write(_folder, Llama, "{}", 7);
        var adapter = new AdapterFolder(_folder, """{"target_modules":"all-linear"}""");
        AddModules(adapter, source, "0.self_attn.q_proj 0.self_attn.v_proj 2.mlp.up_proj 2.mlp.down_proj");
        using var package = new ParityPackage(source, precision);
        var manifest = Make(adapter.Write(), package.Result.Path);

        var graph = Graph(package.Result.Path);

        Assert.Equal(["layers.0.qkv", "layers.2.gate_up", "layers.2.down"], manifest.Linears.Select(linear => linear.Node));
        Assert.Equal([(0, 64), (96, 32)], manifest.Linears[0].Parts.Select(part => (part.Output, part.Outputs)));
        Assert.Equal([(96, 96)], manifest.Linears[1].Parts.Select(part => (part.Output, part.Outputs)));
        foreach (var linear in manifest.Linears)
        {
            var node = graph.Node.Single(node => node.Name == linear.Node);
            Assert.Equal(node.Attribute.Single(attribute => attribute.Name == "K").I, linear.Inputs);
            Assert.InRange(linear.OutputsMin(), 1, node.Attribute.Single(attribute => attribute.Name == "N").I);
        }
    }

    [Fact]
    public void Manifest_NamesItsBase_AndNoOther()
    {
        var source = RandomCheckpoint.Write(_folder, Llama, "{}", 7);
        using var package = new ParityPackage(source);
        using var other = new ParityPackage(Fixture.Folder(Fixture.Linear));
        var path = Path.Combine(package.Result.Path, ModelManifest.FileName);
        var manifest = Make(new AdapterFolder(_folder).Product(Query, 64, 64).Write(), package.Result.Path);

        Assert.Null(manifest.BaseFault(ModelManifest.Parse(File.ReadAllText(path), path)));
        path = Path.Combine(other.Result.Path, ModelManifest.FileName);
        Assert.Contains(
            "base.layers is 4", manifest.BaseFault(ModelManifest.Parse(File.ReadAllText(path), path)), StringComparison.Ordinal);
        Assert.Equal("adapter", manifest.Name);
        Assert.Equal(AdapterFolder.Rank, manifest.RankMax);
    }

    /// <summary>What cannot be served, with a part of the message.</summary>
    [Theory]
    [InlineData("""{"use_dora":true}""", Query, "DoRA", "it is a DoRA")]
    [InlineData("""{"lora_bias":true}""", Query, "bias", "it has a bias")]
    [InlineData("""{"bias":"all"}""", Query, "own bias", "it has a bias")]
    [InlineData("""{"modules_to_save":["norm"]}""", "model.norm", "whole", "it is saved whole")]
    [InlineData("""{"target_modules":["embed_tokens"]}""", "model.embed_tokens", "embedding", "it is an embedding")]
    [InlineData("""{"target_modules":["lm_head"]}""", "lm_head", "head", "it is the head")]
    public void Make_OfWhatIsNotServed_NamesModuleAndWay(string fields, string module, string kind, string message)
    {
        var source = RandomCheckpoint.Write(_folder, "qwen2", "{}", 7);
        using var package = new ParityPackage(source);
        var adapter = new AdapterFolder(_folder, fields);
        if (kind is "DoRA" or "bias" or "own bias")
            adapter.Product(module, 64, 64);
        _ = kind switch
        {
            "DoRA" => adapter.Add($"{module}.lora_magnitude_vector", 64),
            "bias" => adapter.Add($"{module}.lora_B.bias", 64),
            "own bias" => adapter.Add($"{module}.base_layer.bias", 64),
            "whole" => adapter.Add($"{module}.weight", 64),
            "embedding" => adapter.Embedding(module, 384, 64),
            _ => adapter.Product(module, 384, 64),
        };

        var error = Assert.Throws<InvalidDataException>(() => Make(adapter.Write(), package.Result.Path));

        Assert.Contains($"module {module}: {message}", error.Message, StringComparison.Ordinal);
        Assert.Contains("merge it at import instead", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.File("made")));
    }

    [Theory]
    [InlineData("olmoe", "model.layers.1.mlp.experts.2.down_proj", "fp32", "it is of an expert")]
    [InlineData("glm4-moe-lite-mla", "model.layers.0.self_attn.kv_b_proj", "fp32", "it is the expansion of a latent")]
    [InlineData("llama-linear", "model.layers.0.self_attn.q_proj", "w8a8", "the package computes layers.0.qkv in a way that nothing")]
    public void Make_OfLinearsThatNothingIsAddedTo_NamesTheModule(string name, string module, string precision, string message)
    {
        var source = Shared.Fixture("hf", name);
        using var package = new ParityPackage(source, precision);
        var adapter = new AdapterFolder(_folder, """{"target_modules":"all-linear"}""");
        using (var file = new SafetensorsFile(Path.Combine(source, "model.safetensors")))
        {
            var shape = file.Tensors.FirstOrDefault(tensor => tensor.Name == $"{module}.weight")?.Shape ?? [64, 64];
            adapter.Product(module, (int)shape[0], (int)shape[1]);
        }

        var error = Assert.Throws<InvalidDataException>(() => Make(adapter.Write(), package.Result.Path));

        Assert.Contains($"module {module}: {message}", error.Message, StringComparison.Ordinal);
        Assert.Contains("at import instead", error.Message, StringComparison.Ordinal);
    }

    private AdapterManifest Make(string adapter, string package)
    {
        AdapterPackage.Run(new AdapterOptions { Adapter = adapter, Base = package, Destination = _folder.File("made") },
            TestContext.Current.CancellationToken);
        var path = _folder.File("made/adapter.json");
        return AdapterManifest.Parse(File.ReadAllText(path), path);
    }

    private void AssertIsMerged(string source, string adapter)
    {
        using var plain = new ParityPackage(source);
        using var merged = new ParityPackage(source, adapters: adapter);
        var manifest = Make(adapter, plain.Result.Path);
        var (one, other) = (Graph(plain.Result.Path), Graph(merged.Result.Path));
        var linears = manifest.Linears.ToDictionary(linear => linear.Node);
        foreach (var node in one.Node.Where(node => node.OpType == "MatMul"))
        {
            var tensor = one.Initializer.FirstOrDefault(tensor => tensor.Name == node.Input[1]);
            if (tensor is null)
                continue;
            var values = Read(plain.Result.Path, tensor);
            if (linears.Remove(node.Name, out var linear))
                Add(linear, values, (int)tensor.Dims[1]);
            var expected = Read(merged.Result.Path, other.Initializer.Single(one => one.Name == tensor.Name));
            Assert.InRange(Fixture.RelativeError(values, expected), 0, 1e-6);
        }

        Assert.Empty(linears);
    }

    /// <summary>Adds B · A to a matrix [inputs, outputs].</summary>
    private void Add(AdapterLinear linear, float[] values, int outputs)
    {
        foreach (var part in linear.Parts)
        {
            var a = Numbers(_folder.File("made/adapter.data"), part.A, part.Rank * linear.Inputs);
            var b = Numbers(_folder.File("made/adapter.data"), part.B, part.Outputs * part.Rank);
            foreach (var (row, column, r) in
                from row in Enumerable.Range(0, part.Outputs)
                from column in Enumerable.Range(0, linear.Inputs)
                from r in Enumerable.Range(0, part.Rank)
                select (row, column, r))
            {
                values[(column * outputs) + part.Output + row] += b[(row * part.Rank) + r] * a[(r * linear.Inputs) + column];
            }
        }
    }

    private static void AddModules(AdapterFolder adapter, string source, string modules)
    {
        foreach (var module in modules.Split(' '))
        {
            var (outputs, inputs) = Shape(source, $"model.layers.{module}");
            adapter.Product($"model.layers.{module}", outputs, inputs);
        }
    }

    private static (int Outputs, int Inputs) Shape(string source, string module)
    {
        using var checkpoint = CheckpointReader.Open(source);
        var linears = checkpoint.Weights.Layers.SelectMany(layer => layer.Linears).ToList();
        if (checkpoint.Weights.Layers.SelectMany(layer => layer.Stacks).FirstOrDefault(stack => stack.Name == module) is { } stack)
            return (stack.Outputs, stack.Inputs);
        var linear = linears.First(linear => linear.Parts.Any(part => part.Weight == $"{module}.weight"));
        return (linear.Parts.First(part => part.Weight == $"{module}.weight").Outputs, linear.Inputs);
    }

    private static GraphProto Graph(string package) =>
        ModelProto.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(package, "model.onnx"))).Graph;

    private static float[] Read(string package, TensorProto tensor)
    {
        if (tensor.ExternalData.Count == 0)
            return MemoryMarshal.Cast<byte, float>(tensor.RawData.Span).ToArray();
        var place = tensor.ExternalData.ToDictionary(entry => entry.Key, entry => entry.Value);
        return Numbers(
            Path.Combine(package, place["location"]), long.Parse(place["offset"], CultureInfo.InvariantCulture),
            int.Parse(place["length"], CultureInfo.InvariantCulture) / sizeof(float));
    }

    private static float[] Numbers(string path, long offset, int count)
    {
        using var file = File.OpenRead(path);
        file.Position = offset;
        var values = new float[count];
        file.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }
}
