using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Architectures;

/// <summary>
/// A linear of the graph: stored matrices over the same inputs, stacked, so that one product serves all (query, key and value; gate and
/// up).
/// </summary>
/// <param name="Name">Its name in the graph, e.g. <c>layers.0.qkv</c>.</param>
/// <param name="Inputs">Columns of every part.</param>
/// <param name="Parts">The parts, from the first output on.</param>
internal sealed record LinearWeights(string Name, int Inputs, IReadOnlyList<LinearPart> Parts)
{
    /// <summary>The linear that this one was split off; null for a whole one.</summary>
    public LinearWeights? Whole { get; init; }

    /// <summary>The experts that this one is of: <c>layers.0.experts.gate_up</c>; null for others.</summary>
    public string? Stack { get; init; }

    /// <summary>Columns that are stored; those behind them are zero.</summary>
    public int StoredInputs { get; init; } = Inputs;

    /// <summary>Rows of all parts.</summary>
    public int Outputs => Parts.Sum(part => part.Outputs);

    public bool HasBias => Parts.Any(part => part.Bias is not null);

    /// <summary>Checks names, types and shapes of all parts.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or has another shape.</exception>
    public void Check(CheckpointTensors tensors)
    {
        foreach (var part in Parts)
        {
            tensors.Check(part.Weight, part.Stored, StoredInputs);
            if (part.Bias is not null)
                tensors.Check(part.Bias, part.Stored);
        }
    }

    /// <summary>Reads a run of columns of one row.</summary>
    /// <param name="tensors">The checkpoint.</param>
    /// <param name="row">Row among all parts.</param>
    /// <param name="column">First column.</param>
    /// <param name="values">Takes the columns.</param>
    public void Read(CheckpointTensors tensors, int row, int column, Span<float> values)
    {
        var (part, partRow) = Find(row);
        var count = partRow < part.Stored ? Math.Clamp(StoredInputs - column, 0, values.Length) : 0;
        if (count > 0)
            tensors.Read(part.Weight, ((long)partRow * StoredInputs) + column, values[..count]);
        values[count..].Clear();
    }

    /// <summary>The same with zeros behind its rows and columns.</summary>
    /// <param name="multiple">What the columns become a multiple of, and the rows of each part where they are gate and up.</param>
    /// <param name="padsRows">Whether rows get zeros.</param>
    public LinearWeights Padded(int multiple, bool padsRows)
    {
        var inputs = (Inputs + multiple - 1) / multiple * multiple;
        var parts = Parts.Select(part => !padsRows ? part
            : part with { Outputs = (part.Outputs + multiple - 1) / multiple * multiple, Stored = part.Outputs }).ToList();
        return inputs == Inputs && parts.SequenceEqual(Parts) ? this
            : this with { Inputs = inputs, StoredInputs = Inputs, Parts = parts, Whole = this };
    }

    /// <summary>The part that a row lies in, and the row within it.</summary>
    public (LinearPart Part, int Row) Find(int row)
    {
        foreach (var part in Parts)
        {
            if (row < part.Outputs)
                return (part, row);
            row -= part.Outputs;
        }

        throw new ArgumentOutOfRangeException(nameof(row));
    }

    /// <summary>The bias [Outputs]; zero where a part has none.</summary>
    public float[] ReadBias(CheckpointTensors tensors)
    {
        var bias = new float[Outputs];
        var start = 0;
        foreach (var part in Parts)
        {
            if (part.Bias is not null)
                tensors.Read(part.Bias, 0, bias.AsSpan(start, part.Stored));
            start += part.Outputs;
        }

        return bias;
    }
}
