namespace Parley.Generator.Execution.Kernels.Adapters;

/// <summary>
/// What adapters add in one call of a linear. Rows with an adapter have places, those of the same adapter next to each other.
/// </summary>
internal unsafe struct AdapterStep
{
    /// <summary>Place of each row of the linear [rows]; −1 for rows without an adapter.</summary>
    public int* Places;

    /// <summary>Row at each place [<see cref="PlaceCount"/>].</summary>
    public int* Rows;

    /// <summary>Group of each place [<see cref="PlaceCount"/>].</summary>
    public int* GroupOf;

    public AdapterGroup* Groups;

    public int GroupCount;

    public int PlaceCount;

    /// <summary>Which of an adapter's matrices are this linear's.</summary>
    public int Linear;

    /// <summary>Inputs of the linear.</summary>
    public int Inputs;

    /// <summary>The linear's input [places, inputs] where it is normalised on the way; null where it lies in memory as it is.</summary>
    public float* Normalized;

    /// <summary>The linear's input by rows, where <see cref="Normalized"/> is null.</summary>
    public float* Input;

    /// <summary>A · row [places, <see cref="Stride"/>].</summary>
    public float* Products;

    /// <summary>Floats from a place's products to the next one's: the most ranks that one of the adapters has.</summary>
    public int Stride;

    /// <summary>Matrices of the adapter at a place; null where it has none for this linear.</summary>
    public readonly AdapterMatrices* MatricesAt(int place)
    {
        var matrices = Groups[GroupOf[place]].Linears + Linear;
        return matrices->Rank == 0 ? null : matrices;
    }

    /// <summary>The linear's input at a place.</summary>
    public readonly float* RowAt(int place) =>
        Normalized is not null ? Normalized + ((long)place * Inputs) : Input + ((long)Rows[place] * Inputs);
}
