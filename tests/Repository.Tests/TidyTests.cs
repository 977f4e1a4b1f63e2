using System.Text.RegularExpressions;
using Parley.TestSupport;

namespace Parley.Repository.Tests;

/// <summary>Style is failed, not reviewed.</summary>
public sealed partial class TidyTests
{
    private const int LinesPerFileMax = 500;
    private const int LinesPerMethodMax = 70;
    private const int CharactersPerLineMax = 140;

    private static readonly Dictionary<string, string> Extensions = new()
    {
        ["clients/Parley.Aspire/ParleyAspireExtensions.cs"] = "Microsoft.Extensions.Hosting",
        ["clients/Parley.Aspire.Hosting/ParleyBuilderExtensions.cs"] = "Aspire.Hosting",
    };

    private static readonly IReadOnlyList<SourceFile> CSharp = SourceFile.All(".cs");

    [Fact]
    public void Files_OfCSharp_AreFound() => Assert.True(CSharp.Count > 50, $"{CSharp.Count} files");

    [Fact]
    public void File_Length_IsAtMost500Lines() =>
        AssertNone(CSharp.Where(file => file.Lines.Length > LinesPerFileMax).Select(file => $"{file}: {file.Lines.Length} lines"));

    [Fact]
    public void Line_Length_IsAtMost140Characters() =>
        AssertNone(Places(line => line.Length > CharactersPerLineMax));

    [Fact]
    public void Method_Length_IsAtMost70Lines() =>
        AssertNone(CSharp.SelectMany(file => Methods(file.Lines).Where(method => method.Length > LinesPerMethodMax)
            .Select(method => $"{file}({method.Start + 1}): {method.Length} lines")));

    [Fact]
    public void Region_Anywhere_IsNotUsed() => AssertNone(Places(line => line.TrimStart().StartsWith("#region", StringComparison.Ordinal)));

    [Fact]
    public void OpenWork_WithoutIssue_IsNotLeft() =>
        AssertNone(Places(line => OpenWork().IsMatch(line)));

    /// <summary>A run gets bare pointers: what nobody holds may be collected in its midst, which ends the process.</summary>
    [Fact]
    public void NativeValue_OfARun_IsHeldByName() => AssertNone(Places(line => UnheldNativeValue().IsMatch(line)));

    [Fact]
    public void Name_OfFileOrFolder_SaysWhatIsInside() =>
        AssertNone(CSharp.Where(file => VagueName().IsMatch(file.Path)).Select(file => file.Path));

    [Fact]
    public void Type_AtTopLevel_IsOnePerFileAndNamedLikeIt()
    {
        var faults = new List<string>();
        foreach (var file in CSharp.Where(file => Path.GetFileName(file.Path) is not ("Program.cs" or "AssemblyInfo.cs")))
        {
            var types = file.Lines.Select(line => TopLevelType().Match(line)).Where(match => match.Success)
                .Select(match => match.Groups[1].Value).ToList();
            if (types.Count != 1)
                faults.Add($"{file}: {types.Count} top-level types ({string.Join(", ", types)})");
            else if (types[0] != Path.GetFileNameWithoutExtension(file.Path).Split('.')[0])
                faults.Add($"{file}: holds {types[0]}");
        }

        AssertNone(faults);
    }

    [Fact]
    public void Namespace_OfFile_IsItsFolder()
    {
        var faults = new List<string>();
        foreach (var file in CSharp)
        {
            var line = file.Lines.FirstOrDefault(line => line.StartsWith("namespace ", StringComparison.Ordinal));
            if (line is null)
                continue;
            var parts = file.Path.Split('/')[1..^1];
            var expected = "Parley." + string.Join('.', parts);
            // A client's folder is the name of its package.
            if (file.Path.StartsWith("clients/", StringComparison.Ordinal))
                expected = string.Join('.', parts);
            // What extends a builder of Aspire's or of .NET's is found where that builder is.
            if (Extensions.TryGetValue(file.Path, out var extended))
                expected = extended;
            // tools/Parley and its tests would otherwise hide the root namespace.
            if (file.Path.StartsWith("tools/Parley/", StringComparison.Ordinal))
                expected = string.Join('.', ["Parley.Cli", .. parts[1..]]);
            else if (file.Path.StartsWith("tests/Parley.Tests/", StringComparison.Ordinal))
                expected = string.Join('.', ["Parley.Cli.Tests", .. parts[1..]]);
            if (line.TrimEnd(';') != $"namespace {expected}")
                faults.Add($"{file}: {line} where {expected} is expected");
        }

        AssertNone(faults);
    }

    [Fact]
    public void Protos_Folder_HoldsNoHandWrittenCode() =>
        AssertNone(CSharp.Where(file => file.Path.StartsWith("protos/", StringComparison.Ordinal)).Select(file => file.Path));

    [Fact]
    public void ProtoTypes_BelowTheServiceRoot_AreNotUsed() =>
        AssertNone(CSharp
            .Where(file => file.Path.StartsWith("services/", StringComparison.Ordinal) && file.Path.Count(c => c == '/') > 2)
            .Where(file => !file.Path.StartsWith("services/Gateway/Upstream/", StringComparison.Ordinal))
            .Where(file => file.Lines.Any(line => ProtoUsing().IsMatch(line)))
            .Select(file => file.Path));

    [Fact]
    public void ReadmeFiles_BelowTheRoot_StandOnlyWhereTheyAreKeptTrue()
    {
        string[] allowed =
        [
            "tests", "tools/ModelImporter", "tools/DemoModel", "tools/gpu", "models/demo", "clients/Parley.Aspire",
            "clients/Parley.Aspire.Hosting", "clients/Parley.Client", "clients/Parley.Embedded", "samples", "samples/AspireChat",
            "docs/benchmarks", "k8s",
        ];
        var found = new[] { "docs", "models", "protos", "services", "tools", "tests", "clients", "samples", "k8s" }
            .Select(root => Path.Combine(Shared.RepositoryRoot, root)).Where(Directory.Exists)
            .SelectMany(root => Directory.EnumerateFiles(root, "README.md", SearchOption.AllDirectories))
            .Select(path => Path.GetRelativePath(Shared.RepositoryRoot, Path.GetDirectoryName(path)!).Replace('\\', '/'))
            .Where(folder => !folder.Contains("/bin/", StringComparison.Ordinal) && !folder.Contains("/obj/", StringComparison.Ordinal));
        AssertNone(found.Where(folder => !allowed.Contains(folder)));
    }

    private static IEnumerable<string> Places(Func<string, bool> isFault) =>
        CSharp.SelectMany(file => file.Lines.Select((line, index) => (Line: line, Index: index))
            .Where(place => isFault(place.Line)).Select(place => $"{file}({place.Index + 1}): {place.Line.Trim()}"));

    /// <summary>Bodies of members: a line that opens a brace at an indentation of 4 or 8, to the line that closes it.</summary>
    private static IEnumerable<(int Start, int Length)> Methods(string[] lines)
    {
        for (var i = 1; i < lines.Length; i++)
        {
            var indentation = lines[i].Length - lines[i].TrimStart().Length;
            if (lines[i].Trim() != "{" || indentation is not (4 or 8))
                continue;
            var head = lines[i - 1].TrimEnd();
            if (!head.EndsWith(')') && !head.EndsWith(',') && !head.Contains("where ", StringComparison.Ordinal))
                continue;
            var end = Array.FindIndex(lines, i, line => line.StartsWith(new string(' ', indentation) + "}", StringComparison.Ordinal));
            if (end > 0 && IsMember(lines[i - 1], indentation))
                yield return (i, end - i + 1);
        }
    }

    private static bool IsMember(string head, int indentation) =>
        indentation == 4 || !StatementHead().IsMatch(head);

    private static void AssertNone(IEnumerable<string> faults)
    {
        var list = faults.ToList();
        Assert.True(list.Count == 0, string.Join("\n", list));
    }

    // Written apart, or this line would be the one it finds.
    [GeneratedRegex("^(?!.*(using var|return|static|//|=>)).*(new RunOptions\\(|OrtValue\\.Create)")]
    private static partial Regex UnheldNativeValue();

    [GeneratedRegex(@"\b(TO" + @"DO|FIX" + @"ME|HA" + @"CK)\b(?!\(#\d+\))")]
    private static partial Regex OpenWork();

    [GeneratedRegex("(Util|Utils|Helper|Helpers|Common|Manager|Misc)(/|\\.cs$)")]
    private static partial Regex VagueName();

    [GeneratedRegex(@"^(?:public |internal |file |sealed |static |abstract |partial |readonly |unsafe |ref )*" +
        @"(?:class|struct|interface|enum|record struct|record class|record|delegate [\w<>\[\]?]+) (\w+)")]
    private static partial Regex TopLevelType();

    [GeneratedRegex(@"^using (static )?Parley\.\w+\.V1|^using (\w+) = Parley\.\w+\.V1")]
    private static partial Regex ProtoUsing();

    [GeneratedRegex(@"^\s*(if|for|foreach|while|switch|using|lock|fixed|catch|else|unsafe)\b")]
    private static partial Regex StatementHead();
}
