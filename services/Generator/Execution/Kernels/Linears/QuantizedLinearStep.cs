using Parley.ModelImporter.Package;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>The arguments of one call as plain pointers: output [rows, outputs] = input [rows, inputs] · weights.</summary>
internal unsafe struct QuantizedLinearStep
{
    /// <summary>Codes as <see cref="QuantizedLinearLayout"/> has them.</summary>
    public byte* Codes;

    /// <summary>Scales, and minima, as halves.</summary>
    public ushort* Halves;

    /// <summary>Activations [rows, inputs].</summary>
    public float* Input;

    /// <summary>The result [rows, outputs].</summary>
    public float* Output;

    public int Rows;
    public int Inputs;
    public int Outputs;

    /// <summary>Inputs per scale, of weights and activations alike.</summary>
    public int Group;

    public bool HasMinima;

    /// <summary>1 for codes of 4 bits, 2 for those of 8.</summary>
    public int Planes;

    /// <summary>
    /// Quantised activations, tile after tile [inputs / 8, rows of the tile, 8]; <see cref="ActivationQuantizer"/> fills them.
    /// </summary>
    public sbyte* Activations;

    /// <summary>Scale, and sum of the quantised activations, tile after tile [groups, rows of the tile, 2].</summary>
    public float* Parameters;

    public readonly int Groups => Inputs / Group;

    public readonly int Blocks => QuantizedLinearLayout.Blocks(Outputs);

    /// <summary>Pairs of streams: two blocks, or the two planes of one.</summary>
    public readonly int Units => Planes == 2 ? Blocks : (Blocks + 1) / 2;
}
