using Parley.TestSupport;

namespace Parley.Repository.Tests;

/// <summary>Folders of a project need each other in one direction. The circles of before are listed, and may only become fewer.</summary>
public sealed class FolderCircleTests
{
    /// <summary>Arrows that lie on a circle. Take one out when it is gone; none comes in.</summary>
    private static readonly string[] Known =
    [
        "services/Gateway: Chat -> Limits",
        "services/Gateway: Chat -> Upstream",
        "services/Gateway: Limits -> Chat",
        "services/Gateway: Upstream -> Chat",
        "services/Generator: Admission -> Sequences",
        "services/Generator: Execution -> Execution/Kernels",
        "services/Generator: Execution -> Execution/Kernels/Linears",
        "services/Generator: Execution/Kernels -> Execution",
        "services/Generator: Execution/Kernels -> Execution/Kernels/Linears",
        "services/Generator: Execution/Kernels/Linears -> Execution",
        "services/Generator: Execution/Kernels/Linears -> Execution/Kernels",
        "services/Generator: KvCache -> Sequences",
        "services/Generator: Sampling -> Sequences",
        "services/Generator: Scheduling -> Admission",
        "services/Generator: Scheduling -> KvCache",
        "services/Generator: Scheduling -> Sequences",
        "services/Generator: Scheduling -> Speculation",
        "services/Generator: Sequences -> KvCache",
        "services/Generator: Sequences -> Sampling",
        "services/Generator: Sequences -> Speculation",
        "services/Generator: Sequences -> Streaming",
        "services/Generator: Speculation -> Scheduling",
        "services/Generator: Speculation -> Sequences",
        "services/Generator: Streaming -> Sampling",
        "services/Generator: Streaming -> Sequences",
        "services/Tokenizer: Templating -> Templating/Evaluation",
        "services/Tokenizer: Templating -> Templating/Syntax",
        "services/Tokenizer: Templating -> Templating/Values",
        "services/Tokenizer: Templating/Evaluation -> Templating",
        "services/Tokenizer: Templating/Evaluation -> Templating/Syntax",
        "services/Tokenizer: Templating/Evaluation -> Templating/Values",
        "services/Tokenizer: Templating/Syntax -> Templating",
        "services/Tokenizer: Templating/Syntax -> Templating/Values",
        "services/Tokenizer: Templating/Values -> Templating",
        "tools/ModelImporter: Gguf -> Safetensors",
        "tools/ModelImporter: Graph -> Package",
        "tools/ModelImporter: Graph -> Quantization",
        "tools/ModelImporter: Package -> Graph",
        "tools/ModelImporter: Package -> Quantization",
        "tools/ModelImporter: Quantization -> Graph",
        "tools/ModelImporter: Quantization -> Package",
        "tools/ModelImporter: Safetensors -> Gguf",
        "tools/Parley: Bench -> Bench/Engine",
        "tools/Parley: Bench -> Bench/Serve",
        "tools/Parley: Bench -> Bench/Stack",
        "tools/Parley: Bench/Engine -> Bench",
        "tools/Parley: Bench/Engine -> Bench/Serve",
        "tools/Parley: Bench/Serve -> Bench",
        "tools/Parley: Bench/Stack -> Bench",
        "tools/Parley: Bench/Stack -> Bench/Serve",
        "tools/Parley: Evaluation -> Hosting",
        "tools/Parley: Hosting -> Packages",
        "tools/Parley: Packages -> Evaluation",
        "tools/Parley: Packages -> Hosting",
    ];

    [Fact]
    public void Folders_OfAProject_HaveNoCircleButTheKnown()
    {
        var found = Found();
        Assert.True(!found.Except(Known).Any(), "New:\n" + string.Join("\n", found.Except(Known)));
        Assert.True(!Known.Except(found).Any(), "Gone, take out of the list:\n" + string.Join("\n", Known.Except(found)));
    }

    [Fact]
    public void CircularArrows_OfACircleThroughAnOuterFolder_AreAllOfIt()
    {
        SourceFile[] files =
        [
            new("services/Demo/Program.cs", ["using Parley.Demo.A;", "namespace Parley.Demo;"]),
            new("services/Demo/A/First.cs", ["using Parley.Demo.A.Inner;", "namespace Parley.Demo.A;"]),
            new("services/Demo/A/Inner/Second.cs", ["using Parley.Demo.B;", "namespace Parley.Demo.A.Inner;", "// First"]),
            new("services/Demo/B/Third.cs", ["using Parley.Demo.C;", "namespace Parley.Demo.B;", "First first; // Fourth"]),
            new("services/Demo/C/Fourth.cs", ["namespace Parley.Demo.C;"]),
        ];
        Assert.Empty(new FolderGraph("services/Demo", files).CircularArrows());

        files[2] = files[2] with { Lines = [.. files[2].Lines, "new First();"] };
        Assert.Equal(["A -> A/Inner", "A/Inner -> A"], new FolderGraph("services/Demo", files).CircularArrows());
    }

    private static List<string> Found()
    {
        var found = new List<string>();
        foreach (var project in SourceFile.All(".cs").Where(file => !file.Path.StartsWith("tests/", StringComparison.Ordinal))
            .GroupBy(file => string.Join('/', file.Path.Split('/')[..2])))
        {
            if (Directory.GetFiles(Path.Combine(Shared.RepositoryRoot, project.Key), "*.csproj").Length == 0)
                continue;
            found.AddRange(new FolderGraph(project.Key, [.. project]).CircularArrows().Select(arrow => $"{project.Key}: {arrow}"));
        }

        return found;
    }
}
