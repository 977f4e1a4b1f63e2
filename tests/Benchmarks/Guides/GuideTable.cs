using System.Diagnostics;
using System.Globalization;
using System.Runtime;
using System.Text.Json;
using Parley.Generator.Guides;
using Parley.Generator.Guides.Json;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Vocabulary;
using Parley.Generator.Tests.Guides;
using Parley.Tokenizer.Encoders;

namespace Parley.Benchmarks.Guides;

/// <summary>
/// Guides on Llama 3's vocabulary, one thread: what passes by split and by keyword, and what compiling and masks cost.
/// <c>guides maskbench|suite [--every N] [--slowest N] [--cpu] [--only NAME] [--plot FILE [--peer FILE]]</c>
/// </summary>
internal sealed class GuideTable
{
    /// <summary>Schemas, where there are so many others than those that are measured, by which the runtime's compiler gets warm.</summary>
    private const int WarmSchemas = 600;

    private readonly HuggingFaceTokenizer _tokenizer = Material.Load(Material.Llama3);
    private readonly TokenVocabulary _vocabulary;
    private readonly uint[] _mask;
    private readonly SortedDictionary<string, GuideTally> _groups = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, GuideTally> _keywords = new(StringComparer.Ordinal);
    private readonly MaskTimes _compile = new("compile");
    private readonly MaskTimes _first = new("first mask");
    private readonly MaskTimes _start = new("compile and first mask");
    private readonly MaskTimes _later = new("later masks");
    private readonly MaskTimes _undisturbed = new("masks without a collection");
    private readonly CollectorPauses _pauses = new();
    private readonly SlowMasks _slow;
    private readonly MaskClock _clock;
    private readonly List<string> _refusals = [];
    private long _allocated;
    private TimeSpan _pausedBefore;

    private GuideTable(int slowest, MaskClock clock)
    {
        (_slow, _clock) = (new SlowMasks(slowest), clock);
        var tokens = new byte[]?[_tokenizer.Tokens.Count];
        for (var id = 0; id < tokens.Length; id++)
            tokens[id] = _tokenizer.Tokens.IsSpecial(id) || _tokenizer.Tokens.Bytes(id).IsEmpty ? null
                : _tokenizer.Tokens.Bytes(id).ToArray();
        var begin = Stopwatch.GetTimestamp();
        _vocabulary = new TokenVocabulary(tokens, [128_001, 128_009]);
        Console.WriteLine($"vocabulary: {_vocabulary.Trie.Count} nodes in {Stopwatch.GetElapsedTime(begin).TotalMilliseconds:F0} ms");
        Console.WriteLine($"times: {clock.Name}");
        Console.WriteLine($"garbage collector: {(GCSettings.IsServerGC ? "server" : "workstation")}, {GCSettings.LatencyMode}");
        _mask = new uint[_vocabulary.Words];
    }

    public static void Print(string[] args)
    {
        var shared = Path.GetFullPath(Path.Combine(Material.Root, "..", "shared", "fixtures", "json-schema"));
        var every = Number(args, "--every", 1);
        IEnumerable<GuideCase> cases = args is ["suite", ..]
            ? GuideCase.Suite(Path.Combine(shared, "suite-draft2020-12.json.xz"))
            : GuideCase.Maskbench(Path.Combine(shared, "maskbench.jsonl.xz"));
        var only = Text(args, "--only") ?? "";
        var all = cases.ToList();
        var chosen = all.Where((one, index) => index % every == 0 && one.Name.Contains(only, StringComparison.Ordinal)).ToList();
        var others = all.Where((_, index) => index % every != 0).ToList();
        var table = new GuideTable(Number(args, "--slowest", 0), new MaskClock(args.Contains("--cpu")));
        foreach (var warm in (others.Count > 0 ? others : all).Take(WarmSchemas))
            table.Run(warm);
        table.Forget();
        foreach (var one in chosen)
            table.Run(one);
        table.Print();
        if (Text(args, "--plot") is { } plot)
            MaskPlot.Write(plot, [table._later, table._start], Text(args, "--peer"));
    }

    private static string? Text(string[] args, string name) => Array.IndexOf(args, name) is >= 0 and var at ? args[at + 1] : null;

    private static int Number(string[] args, string name, int otherwise) =>
        Text(args, name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private void Forget()
    {
        _groups.Clear();
        _keywords.Clear();
        _refusals.Clear();
        _slow.Clear();
        _pauses.Clear();
        (_allocated, _pausedBefore) = (0, GC.GetTotalPauseDuration());
        foreach (var times in (MaskTimes[])[_compile, _first, _start, _later, _undisturbed])
            times.Clear();
    }

    private void Run(GuideCase one)
    {
        using var schema = JsonDocument.Parse(one.Schema);
        var keywords = new HashSet<string>();
        CollectKeywords(schema.RootElement, keywords);
        var tally = new GuideTally { Schemas = 1 };
        var begin = _clock.Microseconds;
        try
        {
            var guide = Guide.FromSchema(one.Schema, GuideSettings.Default, _vocabulary);
            var compile = _clock.Microseconds - begin;
            _compile.Add(compile);
            var first = _first.Count;

            _pauses.Look();

            // Another guide says how the instances are written, so that the one that is measured has not seen them.
            var writer = (JsonMachine)Guide.FromSchema(one.Schema, GuideSettings.Default, _vocabulary).Machine;
            foreach (var (data, isValid, _) in one.Instances)
                Walk(guide, one.Name, InstanceWriter.Write(writer, data), isValid, tally);
            if (_first.Count > first)
                _start.Add(compile + _first[first]);
            tally.Passed = tally.ValidRefused + tally.InvalidAccepted == 0 ? 1 : 0;
        }
        catch (GuideException exception)
        {
            tally.Refused = 1;
            _refusals.Add($"{one.Name}: {exception.Place} {exception.Message}");
        }

        Add(_groups, one.Group, tally);
        foreach (var keyword in keywords)
            Add(_keywords, keyword, tally);
    }

    private void Walk(Guide guide, string name, string text, bool isValid, GuideTally tally)
    {
        var matcher = guide.Begin();
        var ids = _tokenizer.Encode(text);
        var taken = 0;
        foreach (var id in ids)
        {
            _slow.Begin();
            var (allocated, collections) = (GC.GetAllocatedBytesForCurrentThread(), GC.CollectionCount(0));
            var begin = _clock.Microseconds;
            matcher.FillMask(_mask);
            var time = _clock.Microseconds - begin;
            _allocated += GC.GetAllocatedBytesForCurrentThread() - allocated;
            (taken == 0 ? _first : _later).Add(time);
            if (GC.CollectionCount(0) == collections)
                _undisturbed.Add(time);
            _slow.Add(time, name, text, matcher);
            _pauses.Look();
            if (((_mask[id >> 5] >> id) & 1) == 0 || !matcher.TryTake(id))
                break;
            taken++;
        }

        var accepted = taken == ids.Count && matcher.MayEnd;
        tally.Instances++;
        if (isValid && !accepted)
            tally.ValidRefused++;
        if (!isValid && accepted)
            tally.InvalidAccepted++;
    }

    private static void Add(SortedDictionary<string, GuideTally> rows, string name, GuideTally tally)
    {
        if (!rows.TryGetValue(name, out var row))
            rows.Add(name, row = new GuideTally());
        row.Add(tally);
    }

    private static void CollectKeywords(JsonElement schema, HashSet<string> keywords)
    {
        if (schema.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in schema.EnumerateArray())
                CollectKeywords(item, keywords);
        }

        if (schema.ValueKind != JsonValueKind.Object)
            return;
        foreach (var member in schema.EnumerateObject())
        {
            if (GuideTally.Keywords.Contains(member.Name))
                keywords.Add(member.Name == "format" && member.Value.ValueKind == JsonValueKind.String
                    ? $"format {member.Value.GetString()}" : member.Name);
            CollectKeywords(member.Value, keywords);
        }
    }

    private void Print()
    {
        Print("Split", _groups);
        Print("Keyword", _keywords);
        Console.WriteLine();
        foreach (var refusal in _refusals)
            Console.WriteLine($"refused: {refusal}");
        Console.WriteLine();
        foreach (var times in (MaskTimes[])[_compile, _first, _start, _later, _undisturbed])
            Console.WriteLine(times);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"collections paused {(GC.GetTotalPauseDuration() - _pausedBefore).TotalMilliseconds:F0} ms; ")
            + string.Create(
                CultureInfo.InvariantCulture, $"masks allocated {_allocated / 1024.0 / (_first.Count + _later.Count):F2} kB each"));
        _pauses.Print();
        _slow.Print();
    }

    private static void Print(string title, SortedDictionary<string, GuideTally> rows)
    {
        Console.WriteLine();
        Console.WriteLine($"| {title} | Schemas | Pass | Refused | Instances | Valid refused | Invalid accepted |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
        var all = new GuideTally();
        foreach (var (name, row) in rows)
        {
            Console.WriteLine($"| {name} | {row} |");
            all.Add(row);
        }

        if (title == "Split")
            Console.WriteLine($"| all | {all} |");
    }
}
