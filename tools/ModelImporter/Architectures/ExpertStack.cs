using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Architectures;

/// <summary>A tensor that holds a matrix, or a bias, of all experts of a layer.</summary>
/// <param name="Name">The tensor.</param>
/// <param name="Part">Which matrix.</param>
internal sealed record ExpertStack(string Name, ExpertPart Part)
{
    private const string Codes = "_blocks";
    private const string Exponents = "_scales";

    /// <summary>It holds the biases.</summary>
    public bool IsBias { get; init; }

    /// <summary>Matrices are stored [inputs, outputs].</summary>
    public bool IsTransposed { get; init; }

    /// <summary>Rows of gate and up take turns.</summary>
    public bool IsInterleaved { get; init; }

    /// <summary>Names that a checkpoint may have instead: codes and exponents of MXFP4.</summary>
    public IEnumerable<string> Names => IsBias ? [Name] : [Name, Name + Codes, Name + Exponents];

    /// <summary>Gives each expert's part a name of its own, where the checkpoint has this tensor.</summary>
    /// <exception cref="InvalidDataException">It has another shape; the message names file, tensor, wanted and found.</exception>
    public void Unstack(CheckpointTensors tensors, MixtureWeights mixture)
    {
        var isMxfp4 = !IsBias && tensors.Contains(Name + Codes) && tensors.Contains(Name + Exponents);
        if (isMxfp4)
        {
            tensors.Add(Name, new Mxfp4Source((StoredSource)tensors.Source(Name + Codes), (StoredSource)tensors.Source(Name + Exponents)));
            tensors.Remove(Name + Codes);
            tensors.Remove(Name + Exponents);
        }

        if (!tensors.Contains(Name))
            return;
        var linears = Part == ExpertPart.Down ? mixture.Down : mixture.GateUp;
        var parts = Part switch
        {
            ExpertPart.Gate => (First: 0, Count: 1),
            ExpertPart.Up => (First: 1, Count: 1),
            _ => (First: 0, Count: linears[0].Parts.Count),
        };
        // Codes lie as they are multiplied, whatever the numbers do.
        var isTransposed = IsTransposed && !isMxfp4;
        var (rows, columns) = ((long)linears[0].Parts[parts.First].Outputs * parts.Count, (long)linears[0].Inputs);
        var (count, isTurned) = (linears.Count, isTransposed && !IsBias);
        tensors.Check(Name, IsBias ? [count, rows] : isTurned ? [count, columns, rows] : [count, rows, columns]);
        var stack = tensors.Source(Name);
        for (var expert = 0; expert < linears.Count; expert++)
        {
            var source = isTurned ? new TransposedSource(stack, expert, tensors.Transposed) : stack;
            var first = isTurned ? 0 : expert * rows;
            for (var i = 0; i < parts.Count; i++)
            {
                var part = linears[expert].Parts[parts.First + i];
                var name = IsBias ? part.Bias : part.Weight;
                if (name is null)
                    return;
                var (start, step) = IsInterleaved ? (first + i, parts.Count) : (first + (i * part.Outputs), 1);
                tensors.Add(name, new RowsSource(source, start, step, IsBias ? [part.Outputs] : [part.Outputs, columns]));
            }
        }

        tensors.Remove(Name);
    }
}
