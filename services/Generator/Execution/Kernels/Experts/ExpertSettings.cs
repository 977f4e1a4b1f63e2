using Parley.Generator.Execution.Kernels.Linears;

namespace Parley.Generator.Execution.Kernels.Experts;

/// <summary>The attributes that both operators of mixtures of experts have.</summary>
internal sealed record ExpertSettings
{
    /// <summary>A row's scores lie on the stack.</summary>
    public const int ExpertsMax = 1024;

    private const int SizeMax = 1 << 20;
    private const long SwiGlu = 0;
    private const long ClampedSwiGlu = 1;
    private const long TanhGeglu = 2;

    public required int Experts { get; init; }

    /// <summary>Experts chosen for each row.</summary>
    public required int TopK { get; init; }

    /// <summary>Columns of rows and of the result.</summary>
    public required int Hidden { get; init; }

    /// <summary>Width between an expert's two matrices.</summary>
    public required int Intermediate { get; init; }

    public ExpertScoring Scoring { get; init; }

    /// <summary>Whether the chosen weights are divided by their sum and <see cref="NormalizeEpsilon"/>.</summary>
    public bool Normalize { get; init; }

    public float NormalizeEpsilon { get; init; }

    /// <summary>On the weights, after all else.</summary>
    public float Scale { get; init; } = 1;

    /// <summary>Groups of neighbouring experts of which a row may choose from some only; 1 for none.</summary>
    public int Groups { get; init; } = 1;

    public int GroupsChosen { get; init; } = 1;

    /// <summary>The gate is a GELU by its tanh approximation.</summary>
    public bool Gelu { get; init; }

    /// <summary>How many of its best scores a group is chosen by: 2, their sum, or 1.</summary>
    public int GroupBest { get; init; } = 2;

    /// <summary>The gate is gpt-oss's, with <see cref="Alpha"/> and <see cref="Limit"/>.</summary>
    public bool Clamped { get; init; }

    public float Alpha { get; init; }

    public float Limit { get; init; }

    /// <summary>Reads a node.</summary>
    /// <exception cref="NotSupportedException">An attribute is out of its range or does not fit another.</exception>
    public static unsafe ExpertSettings Read(void* info)
    {
        var experts = ReadNumber(info, "experts", "experts\0"u8, 0, ExpertsMax);
        var groups = ReadNumber(info, "groups", "groups\0"u8, 1, experts);
        var scoring = OrtCustomOpApi.GetInteger(info, "scoring\0"u8, 0);
        var activation = OrtCustomOpApi.GetInteger(info, "activation\0"u8, SwiGlu);
        var normalize = OrtCustomOpApi.GetInteger(info, "normalize\0"u8, 0);
        if (scoring is < (long)ExpertScoring.SoftmaxOfAll or > (long)ExpertScoring.Sigmoid)
            throw Refuse($"scoring is {scoring}, not 0, 1 or 2");
        if (activation is not (SwiGlu or ClampedSwiGlu or TanhGeglu))
            throw Refuse($"activation is {activation}, not 0, 1 or 2");
        if (normalize is not (0 or 1))
            throw Refuse($"normalize is {normalize}, neither 0 nor 1");
        var settings = new ExpertSettings
        {
            Experts = experts,
            TopK = ReadNumber(info, "top_k", "top_k\0"u8, 0, experts),
            Hidden = ReadNumber(info, "hidden", "hidden\0"u8, 0, SizeMax),
            Intermediate = ReadNumber(info, "intermediate", "intermediate\0"u8, 0, SizeMax),
            Scoring = (ExpertScoring)scoring,
            Normalize = normalize == 1,
            NormalizeEpsilon = OrtCustomOpApi.GetFloat(info, "normalize_epsilon\0"u8, 0),
            Scale = OrtCustomOpApi.GetFloat(info, "scale\0"u8, 1),
            Groups = groups,
            GroupsChosen = ReadNumber(info, "groups_chosen", "groups_chosen\0"u8, 1, groups),
            Gelu = activation == TanhGeglu,
            GroupBest = ReadNumber(info, "group_best", "group_best\0"u8, 2, 2),
            Clamped = activation == ClampedSwiGlu,
            Alpha = OrtCustomOpApi.GetFloat(info, "alpha\0"u8, 0),
            Limit = OrtCustomOpApi.GetFloat(info, "limit\0"u8, 0),
        };
        settings.Check();
        return settings;
    }

    /// <summary>What a node is refused with.</summary>
    public static NotSupportedException Refuse(string fault) => new($"{fault}; {QuantizedMatrix.Remedy}");

    private void Check()
    {
        if (!(NormalizeEpsilon >= 0 && float.IsFinite(NormalizeEpsilon)))
            throw Refuse($"normalize_epsilon is {NormalizeEpsilon}, neither 0 nor a positive number");
        if (!float.IsFinite(Scale))
            throw Refuse($"scale is {Scale}, no number");
        if (Groups > 1 && (Experts % Groups != 0 || Experts / Groups < 2))
            throw Refuse($"groups {Groups} do not divide {Experts} experts into two or more each");
        if (TopK > Experts / Groups * GroupsChosen)
            throw Refuse($"top_k {TopK} is more than {GroupsChosen} of {Groups} groups of {Experts} experts have");
        if (Clamped && !(Alpha > 0 && float.IsFinite(Alpha)))
            throw Refuse($"alpha is {Alpha}, no positive number");
        if (Clamped && !(Limit > 0 && float.IsFinite(Limit)))
            throw Refuse($"limit is {Limit}, no positive number");
    }

    private static unsafe int ReadNumber(void* info, string name, ReadOnlySpan<byte> attribute, long missing, int most)
    {
        var number = OrtCustomOpApi.GetInteger(info, attribute, missing);
        return number >= 1 && number <= most ? (int)number : throw Refuse($"{name} is {number}, not from 1 to {most}");
    }
}
