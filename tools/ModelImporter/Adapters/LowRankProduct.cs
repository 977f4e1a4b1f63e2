using System.Numerics.Tensors;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Adapters;

/// <summary>What an adapter adds to a matrix: scale · B · A, both as they are stored.</summary>
internal sealed class LowRankProduct
{
    /// <summary>Rank at most; an adapter's is some dozens.</summary>
    private const int RankMax = 1 << 14;

    /// <summary>Numbers of a factor at most.</summary>
    private const long ElementsMax = 1 << 30;

    private readonly string _module;
    private readonly TensorSource _a;
    private readonly TensorSource _b;
    private readonly FactorOrder _order;

    /// <param name="module">The module, as the adapter names it.</param>
    /// <param name="a">The factor over the inputs.</param>
    /// <param name="b">The factor over the outputs.</param>
    /// <param name="order">How both are stored.</param>
    /// <exception cref="InvalidDataException">The two do not belong together; the message names the module.</exception>
    public LowRankProduct(string module, TensorSource a, TensorSource b, FactorOrder order)
    {
        (_module, _a, _b, _order) = (module, a, b, order);
        a.Check();
        b.Check();
        if (a.Shape.Count != 2 || b.Shape.Count != 2)
            throw Fault($"its factors have the shapes {a.ShapeText} and {b.ShapeText}, which are no matrices");
        var rank = order == FactorOrder.EmbeddingRows ? a.Shape[1] : a.Shape[0];
        if (rank != b.Shape[1])
            throw Fault($"its factors {a.ShapeText} and {b.ShapeText} have different ranks");
        if (rank is < 1 or > RankMax)
            throw Fault($"its rank is {rank}, not 1 to {RankMax}");
        if (a.Shape[0] * a.Shape[1] is < 1 or > ElementsMax || b.Shape[0] * b.Shape[1] is < 1 or > ElementsMax)
            throw Fault($"its factors {a.ShapeText} and {b.ShapeText} are empty or too large");
        Rank = (int)rank;
        (Outputs, Inputs) = order switch
        {
            FactorOrder.Embedding => ((int)a.Shape[1], (int)b.Shape[0]),
            FactorOrder.EmbeddingRows => ((int)a.Shape[0], (int)b.Shape[0]),
            _ => ((int)b.Shape[0], (int)a.Shape[1]),
        };
    }

    public int Rank { get; }

    /// <summary>Rows of the matrix.</summary>
    public int Outputs { get; }

    /// <summary>Columns of the matrix.</summary>
    public int Inputs { get; }

    /// <summary>By what B · A is multiplied.</summary>
    public double Scale { get; private init; } = 1;

    /// <summary>Whether the matrix is a table that is looked up by row.</summary>
    public bool IsEmbedding => _order is FactorOrder.Embedding or FactorOrder.EmbeddingRows;

    /// <summary>The same with another scale.</summary>
    public LowRankProduct Scaled(double scale) => new(_module, _a, _b, _order) { Scale = scale };

    /// <summary>Reads both factors, in Hugging Face's order of rows and with the scaling in B.</summary>
    /// <param name="headSize">Rows of a head, for those that are interleaved.</param>
    /// <exception cref="InvalidDataException">A number is infinite or none.</exception>
    public LowRankFactors Load(int headSize)
    {
        var (a, b) = (Read(_a), Read(_b));
        if (_order == FactorOrder.Embedding)
            (a, b) = (Transpose(b, Inputs, Rank), Transpose(a, Rank, Outputs));
        else if (_order == FactorOrder.EmbeddingRows)
            (a, b) = (Transpose(b, Inputs, Rank), a);
        else if (_order == FactorOrder.Interleaved)
            b = Halve(b, headSize);
        for (var i = 0; i < b.Length; i++)
            b[i] = (float)(b[i] * Scale);
        Check(b, "scaled factor");
        return new LowRankFactors(Rank, a, b);
    }

    private float[] Read(TensorSource source)
    {
        var values = new float[source.Shape[0] * source.Shape[1]];
        source.Read(reading: null, 0, values);
        Check(values, source.StoredName);
        return values;
    }

    private void Check(float[] values, string name)
    {
        if (!float.IsFinite(TensorPrimitives.MaxMagnitude<float>(values)))
            throw Fault($"{name} holds a number that is infinite or none");
    }

    private static float[] Transpose(float[] values, int rows, int columns)
    {
        var transposed = new float[values.Length];
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
                transposed[(column * rows) + row] = values[(row * columns) + column];
        }

        return transposed;
    }

    /// <summary>Rows (h, i, p) of head h, element i, half p become (h, p, i).</summary>
    private float[] Halve(float[] values, int headSize)
    {
        if (Outputs % headSize != 0)
            throw Fault($"it has {Outputs} outputs, no multiple of the head size {headSize}");
        var halves = new float[values.Length];
        for (var row = 0; row < Outputs; row++)
        {
            var (head, half, element) = (row / headSize, row % headSize % 2, row % headSize / 2);
            var to = (head * headSize) + (half * (headSize / 2)) + element;
            values.AsSpan(row * Rank, Rank).CopyTo(halves.AsSpan(to * Rank));
        }

        return halves;
    }

    private InvalidDataException Fault(string what) => new($"{_a.File.Path}: module {_module}: {what}.");
}
