using Parley.ModelImporter.Architectures;

namespace Parley.ModelImporter.Adapters;

/// <summary><c>adapter_config.json</c> of peft: which modules have a low-rank product, of which rank, and how it is scaled.</summary>
internal sealed class AdapterConfig
{
    public const string FileName = "adapter_config.json";

    private const string AllLinear = "all-linear";
    private const int RankMax = 1 << 14;

    /// <summary>Fields that change nothing of what is computed from the weights that are stored.</summary>
    private static readonly string[] Silent =
    [
        "auto_mapping", "base_model_name_or_path", "revision", "task_type", "inference_mode", "lora_dropout", "loftq_config",
        "megatron_config", "megatron_core", "eva_config", "corda_config", "lora_ga_config", "qalora_group_size", "peft_version",
        "runtime_config", "bias", "fan_in_fan_out", "peft_type", "init_lora_weights",
    ];

    /// <summary>Fields that are read here.</summary>
    private static readonly string[] Known =
    [
        .. Silent, "r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern", "target_modules", "exclude_modules",
        "layers_to_transform", "layers_pattern", "modules_to_save", "lora_bias", "use_dora", "ensure_weight_tying",
    ];

    /// <summary>Ways to begin a training that leave the base as it is; others take away from it what the adapter begins with.</summary>
    private static readonly string[] PlainBeginnings = ["gaussian", "eva", "orthogonal"];

    private readonly int _rank;
    private readonly double _alpha;
    private readonly bool _isRankStabilized;
    private readonly NamePattern? _target;
    private readonly IReadOnlyList<string> _targets;
    private readonly NamePattern? _excluded;
    private readonly IReadOnlyList<string> _exclusions;
    private readonly IReadOnlyList<int> _layers;
    private readonly IReadOnlyList<NamePattern> _layerPatterns;
    private readonly IReadOnlyList<(SuffixPattern Pattern, double Value)> _ranks;
    private readonly IReadOnlyList<(SuffixPattern Pattern, double Value)> _alphas;

    private AdapterConfig(ConfigFile file)
    {
        Path = file.Path;
        _rank = file.Int("r", 1, RankMax, 8);
        _alpha = file.Number("lora_alpha", 8);
        _isRankStabilized = file.Bool("use_rslora", false);
        HasMagnitudes = file.Bool("use_dora", false);
        HasBiasUpdates = file.Bool("lora_bias", false);
        TiesEmbeddings = file.Bool("ensure_weight_tying", false);
        (_target, _targets) = ReadModules(file, "target_modules");
        (_excluded, _exclusions) = ReadModules(file, "exclude_modules");
        _layers = file.OneOrMoreWholeNumbers("layers_to_transform");
        _layerPatterns =
            [.. file.OneOrMoreTexts("layers_pattern").Select(text => NamePattern.Layer(text, file, "layers_pattern"))];
        Saved = file.OneOrMoreTexts("modules_to_save");
        _ranks = ReadPatterns(file, "rank_pattern");
        _alphas = ReadPatterns(file, "alpha_pattern");
        if (_ranks.FirstOrDefault(rank => rank.Value is not (>= 1 and <= RankMax) || rank.Value % 1 != 0) is { Pattern: not null } wrong)
            throw file.Unsupported($"rank_pattern.{wrong.Pattern.Text}", $"{wrong.Value}", $"whole numbers from 1 to {RankMax}");
        var bias = file.Text("bias", "none");
        if (bias is not ("none" or "all" or "lora_only"))
            throw file.Unsupported("bias", $"\"{bias}\"", "none, all, lora_only");
        HasBiases = bias != "none";
        if (file.Bool("fan_in_fan_out", false))
            Notes = ["fan_in_fan_out is set, which is for modules that store their matrices transposed: this family has none."];
    }

    public string Path { get; }

    /// <summary>The adapter has biases in the place of the base's.</summary>
    public bool HasBiases { get; }

    /// <summary>The adapter has lengths of rows (DoRA).</summary>
    public bool HasMagnitudes { get; }

    /// <summary>The second factor has a bias.</summary>
    public bool HasBiasUpdates { get; }

    /// <summary>What changes in the embedding changes in a head that is tied to it as well.</summary>
    public bool TiesEmbeddings { get; }

    /// <summary>Ends of names of modules that are saved whole.</summary>
    public IReadOnlyList<string> Saved { get; }

    /// <summary>What has no effect, one sentence each.</summary>
    public IReadOnlyList<string> Notes { get; } = [];

    /// <summary>Reads the file.</summary>
    /// <exception cref="InvalidDataException">A field is malformed, or asks for what is not computed here; the message names
    /// it.</exception>
    public static AdapterConfig Open(string path)
    {
        var file = ConfigFile.OpenFile(path);
        var type = file.Text("peft_type");
        if (type != "LORA")
            throw file.Unsupported("peft_type", $"\"{type}\"", "\"LORA\"");
        if (file.SetFields.FirstOrDefault(field => !Known.Contains(field)) is { } unknown)
            throw file.Unsupported(unknown, "set, which changes what an adapter computes", $"adapters without it");
        CheckBeginning(file);
        return new AdapterConfig(file);
    }

    /// <summary>Rank of a module.</summary>
    public int RankOf(string module) => (int)(Find(_ranks, module) ?? _rank);

    /// <summary>By what the product of a module is multiplied.</summary>
    /// <exception cref="InvalidDataException">That is no number that fp32 holds.</exception>
    public double ScaleOf(string module)
    {
        var (alpha, rank) = (Find(_alphas, module) ?? _alpha, RankOf(module));
        var scale = alpha / (_isRankStabilized ? Math.Sqrt(rank) : rank);
        return float.IsFinite((float)scale)
            ? scale
            : throw new InvalidDataException($"{Path}: the scaling of {module} is {scale:g3}, which fp32 does not hold.");
    }

    /// <summary>Whether the file names a module as one with a low-rank product.</summary>
    /// <param name="module">Its name in the base.</param>
    public bool IsTarget(string module)
    {
        if (_excluded?.IsWhole(module) == true || IsListed(_exclusions, module))
            return false;
        if (_target is not null)
            return _target.IsWhole(module);
        if (_targets.Count == 0 || _targets.Contains(module, StringComparer.Ordinal))
            return true;
        return IsListed(_targets, module) && (_layers.Count == 0 || _layers.Contains(LayerOf(module)));
    }

    /// <summary>Whether a module is, or lies in, one that is saved whole.</summary>
    public bool IsSaved(string module) => Saved.Any(saved => $".{module}.".Contains($".{saved}.", StringComparison.Ordinal));

    private static void CheckBeginning(ConfigFile file)
    {
        const string Field = "init_lora_weights";
        if (!file.IsText(Field))
            return;
        var way = file.Text(Field);
        if (!PlainBeginnings.Contains(way))
        {
            throw file.Unsupported(Field, $"\"{way}\", which changes the base as well",
                $"true, {string.Join(", ", PlainBeginnings)}; save it as a plain one (peft: path_initial_model_for_weight_conversion)");
        }
    }

    private int LayerOf(string module)
    {
        var patterns = _layerPatterns.Count > 0 ? _layerPatterns : [NamePattern.AnyLayer];
        return patterns.Select(pattern => pattern.NumberIn(module)).FirstOrDefault(number => number is not null) ?? -1;
    }

    private static bool IsListed(IReadOnlyList<string> names, string module) =>
        names.Any(name => module == name
            || (module.EndsWith(name, StringComparison.Ordinal) && module.Length > name.Length && module[^(name.Length + 1)] == '.'));

    private static (NamePattern? Pattern, IReadOnlyList<string> Names) ReadModules(ConfigFile file, string field)
    {
        if (!file.IsText(field))
            return (null, file.Texts(field));
        var text = file.Text(field);
        return text.Length == 0 || text.Equals(AllLinear, StringComparison.OrdinalIgnoreCase)
            ? (null, []) : (NamePattern.Whole(text, file, field), []);
    }

    private static IReadOnlyList<(SuffixPattern Pattern, double Value)> ReadPatterns(ConfigFile file, string field)
    {
        if (file.Object(field) is not { } patterns)
            return [];
        return SuffixPattern.All([.. patterns.Fields], file, field)
            .Select(pattern => (pattern, patterns.Number(pattern.Text))).ToList();
    }

    /// <summary>The first that matches, as in peft; null for none.</summary>
    private static double? Find(IReadOnlyList<(SuffixPattern Pattern, double Value)> patterns, string module)
    {
        foreach (var (pattern, value) in patterns)
        {
            if (pattern.Matches(module))
                return value;
        }

        return null;
    }
}
