namespace Parley.Generator.Execution.Kernels.Experts;

/// <summary>How a router's logits become scores; the numbers are those of the attribute <c>scoring</c>.</summary>
internal enum ExpertScoring
{
    /// <summary>Softmax over all experts, then the choice.</summary>
    SoftmaxOfAll = 0,

    /// <summary>The choice by logits, then softmax over the chosen.</summary>
    SoftmaxOfChosen = 1,

    /// <summary>Sigmoid of each.</summary>
    Sigmoid = 2,
}
