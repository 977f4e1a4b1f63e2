namespace Parley.ModelImporter.Architectures;

/// <summary>How a mixture of experts chooses, and what its experts compute.</summary>
/// <param name="Experts">Experts of a layer.</param>
/// <param name="Chosen">Experts that a token is given to.</param>
/// <param name="Width">Width of an expert's MLP.</param>
/// <param name="Scoring">What becomes of the router's logits.</param>
internal sealed record MixtureSettings(int Experts, int Chosen, int Width, RouterScoring Scoring)
{
    /// <summary>The scores of the chosen are divided by their sum.</summary>
    public bool Normalizes { get; init; }

    /// <summary>What is added to that sum.</summary>
    public double NormalizeEpsilon { get; init; }

    /// <summary>Factor on the scores in the end.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>Groups that the experts lie in; the best are chosen first.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>How many of its best scores a group is chosen by: the sum of two, or the best alone.</summary>
    public int GroupBest { get; init; } = 2;

    /// <summary>Groups that are chosen.</summary>
    public int GroupsChosen { get; init; } = 1;

    /// <summary>A number for each expert is added to its score for the choice alone.</summary>
    public bool HasCorrection { get; init; }

    /// <summary>The router adds a bias.</summary>
    public bool RouterBias { get; init; }

    /// <summary>The linears of the experts add a bias.</summary>
    public bool ExpertBias { get; init; }

    /// <summary>Width of the MLP that every token goes through beside the experts; 0 for none.</summary>
    public int SharedWidth { get; init; }

    /// <summary>What that MLP gives is multiplied by the sigmoid of a number of its own.</summary>
    public bool HasSharedGate { get; init; }

    /// <summary>Layers with a plain MLP instead.</summary>
    public IReadOnlySet<int> DenseLayers { get; init; } = new HashSet<int>();

    /// <summary>The function of the experts' gates: SiLU, or GELU by its tanh approximation.</summary>
    public Activation Activation { get; init; } = Activation.Silu;

    /// <summary>Each expert has a factor.</summary>
    public bool HasExpertScales { get; init; }

    /// <summary>Router and experts have norms of their own, and stand beside the layer's MLP.</summary>
    public bool IsSandwich { get; init; }

    /// <summary>
    /// Instead of SiLU(gate) · up: the gate is cut off above <see cref="Limit"/>, up at both ends, and
    /// gate · sigmoid(<see cref="Alpha"/> · gate) · (up + 1) is what comes of them.
    /// </summary>
    public bool IsClamped { get; init; }

    public double Alpha { get; init; } = 1;

    public double Limit { get; init; }
}
