namespace Parley.ModelImporter.Architectures;

/// <summary>What becomes of a router's logits; the numbers are those of the operator's attribute.</summary>
internal enum RouterScoring
{
    /// <summary>Softmax over all experts, of which the best are taken.</summary>
    SoftmaxOfAll = 0,

    /// <summary>The best logits, and the softmax over them.</summary>
    SoftmaxOfChosen = 1,

    /// <summary>The sigmoid of each.</summary>
    Sigmoid = 2,
}
