using Parley.Generator.Execution.Kernels.Adapters;
using Parley.PackageFormat;

namespace Parley.Generator.Execution.Kernels.Linears;

/// <summary>The arguments of one call as plain pointers: output [rows, outputs] = input [rows, inputs] · weights.</summary>
internal unsafe struct QuantizedLinearStep
{
    /// <summary>Codes as <see cref="QuantizedLinearLayout"/> has them.</summary>
    public byte* Codes;

    /// <summary>Scales, and minima, as halves.</summary>
    public ushort* Halves;

    /// <summary>Activations [rows, inputs], or where there is a <see cref="NormWeight"/> the residual stream.</summary>
    public float* Input;

    /// <summary>The result [rows, outputs], or half as many columns where <see cref="Gated"/>.</summary>
    public float* Output;

    public int Rows;
    public int Inputs;
    public int Outputs;

    /// <summary>Outputs of the matrix as it lies, where only the first of them are computed; 0 where all are.</summary>
    public int StoredOutputs;

    /// <summary>Floats from a row of the input to the next one's; 0 where rows follow each other.</summary>
    public int InputStride;

    /// <summary>Floats from a row of the result to the next one's; 0 where rows follow each other.</summary>
    public int OutputStride;

    /// <summary>Inputs per scale, of weights and activations alike.</summary>
    public int Group;

    public bool HasMinima;

    /// <summary>1 for codes of 4 bits, 2 for those of 8.</summary>
    public int Planes;

    /// <summary>What codes of 4 bits stand for, as <see cref="LevelPlanes"/> has it; null where they are numbers.</summary>
    public byte* Levels;

    /// <summary>The first half of the outputs is a gate, the second what it lets through: the result is SiLU(first) · second.</summary>
    public bool Gated;

    /// <summary>The gate is a GELU by its tanh approximation instead of SiLU.</summary>
    public bool Gelu;

    /// <summary>The gate is gpt-oss's, with <see cref="Alpha"/> and <see cref="Limit"/>, instead of SiLU.</summary>
    public bool Clamped;

    public float Alpha;
    public float Limit;

    /// <summary>Added to the product [outputs]; null for nothing. Only an expert's.</summary>
    public float* Bias;

    /// <summary>
    /// The row of the result that each row is added to, times its <see cref="Factors"/> [rows]; null to store the rows. Only an expert's.
    /// </summary>
    public int* Targets;

    public float* Factors;

    /// <summary>Bytes from a unit's codes to those that are read after it; 0 where those of the next unit are.</summary>
    public nint Ahead;

    /// <summary>
    /// Quantised activations, tile after tile [inputs / 8, rows of the tile, 8]; <see cref="ActivationQuantizer"/> fills them.
    /// </summary>
    public sbyte* Activations;

    /// <summary>Scale, and sum of the quantised activations, tile after tile [groups, rows of the tile, 2].</summary>
    public float* Parameters;

    /// <summary>Weight [inputs] of the norm that comes before the product; null for none.</summary>
    public float* NormWeight;

    /// <summary>Added to the mean of squares in the norm.</summary>
    public float Epsilon;

    /// <summary>Added to <see cref="Input"/> before the norm [rows, inputs]; null for nothing.</summary>
    public float* Update;

    /// <summary>Takes input and update together [rows, inputs], where there is an update.</summary>
    public float* Sum;

    /// <summary>As <see cref="Ahead"/>, from a unit's scales.</summary>
    public nint ScalesAhead;

    /// <summary>What adapters add to the rows that have one; null where none has.</summary>
    public AdapterStep* Adapters;

    /// <summary>Whether weights are computed as two nibbles: stored so, or looked up.</summary>
    public readonly bool HasBytes => Planes == 2 || Levels is not null;

    public readonly int Groups => Inputs / Group;

    public readonly int Blocks => QuantizedLinearLayout.Blocks(Outputs);

    /// <summary>Blocks from one plane of codes to the other.</summary>
    public readonly int PlaneBlocks => QuantizedLinearLayout.Blocks(StoredOutputs == 0 ? Outputs : StoredOutputs);

    /// <summary>Columns of the result.</summary>
    public readonly int Columns => Gated ? Outputs / 2 : Outputs;

    /// <summary>
    /// Parts that are shared out: pairs of blocks, neighbours or gate and its partner, or one block's two planes, which a gate has
    /// twice.
    /// </summary>
    public readonly int Units => HasBytes && !Gated ? Blocks : (Blocks + 1) / 2;

    /// <summary>A row of the input.</summary>
    public readonly float* InputRow(int row) => Input + ((long)row * (InputStride == 0 ? Inputs : InputStride));

    /// <summary>A row of the result.</summary>
    public readonly float* OutputRow(int row) => Output + ((long)row * (OutputStride == 0 ? Columns : OutputStride));

    /// <summary>Rows of the next tile: as many as fit, else four, else the rest.</summary>
    public static int RowsOfTile(int rowsLeft, int tileRows) =>
        rowsLeft >= tileRows ? tileRows : rowsLeft >= 4 ? 4 : rowsLeft;

    /// <summary>Tiles of <paramref name="rows"/> rows.</summary>
    public static int Tiles(int rows, int tileRows)
    {
        var rest = rows % tileRows;
        return (rows / tileRows) + (rest / 4) + (rest % 4 > 0 ? 1 : 0);
    }

    /// <summary>First row and number of rows of a tile.</summary>
    public readonly (int Row, int Rows) Tile(int tile, int tileRows)
    {
        var whole = Rows / tileRows;
        var row = (Math.Min(tile, whole) * tileRows) + (Math.Max(tile - whole, 0) * 4);
        return (row, RowsOfTile(Rows - row, tileRows));
    }
}
