using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Architectures;

/// <summary>
/// A stored matrix whose rows belong to several linears, or to parts of one: in each turn a run of each; with one turn they simply follow
/// each other.
/// </summary>
/// <param name="Name">The module, which may have a bias.</param>
/// <param name="Inputs">Columns.</param>
/// <param name="Turns">How often.</param>
/// <param name="Runs">The part that a run is of, and its rows.</param>
internal sealed record TurnStack(string Name, int Inputs, int Turns, IReadOnlyList<(LinearPart Part, int Rows)> Runs)
{
    /// <summary>What a checkpoint may have instead of the parts.</summary>
    public IReadOnlyList<string> Names => HasBias ? [Weight, Bias] : [Weight];

    /// <summary>All rows.</summary>
    public int Outputs => Turns * Step;

    private string Weight => $"{Name}.weight";

    private string Bias => $"{Name}.bias";

    private bool HasBias => Runs.Any(run => run.Part.Bias is not null);

    private int Step => Runs.Sum(run => run.Rows);

    /// <summary>Gives each part a name of its own, where the checkpoint has this matrix.</summary>
    /// <exception cref="InvalidDataException">It has another shape; the message names file, tensor, wanted and found.</exception>
    public void Unstack(CheckpointTensors tensors)
    {
        Unstack(tensors, Weight, part => part.Weight, [Outputs, Inputs]);
        if (HasBias)
            Unstack(tensors, Bias, part => part.Bias, [Outputs]);
    }

    private void Unstack(CheckpointTensors tensors, string name, Func<LinearPart, string?> nameOf, long[] shape)
    {
        if (!tensors.Contains(name))
            return;
        tensors.Check(name, shape);
        var (whole, first) = (tensors.Source(name), 0L);
        foreach (var (part, rows) in Runs)
        {
            if (nameOf(part) is { } own)
                tensors.Add(own, new TurnsSource(whole, first, rows, Step, [(long)Turns * rows, .. shape[1..]]));
            first += rows;
        }

        tensors.Remove(name);
    }
}
