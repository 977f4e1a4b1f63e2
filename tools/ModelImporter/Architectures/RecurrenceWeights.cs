using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Architectures;

/// <summary>The small tensors of a layer that has no attention; its linears are those of the layer.</summary>
internal abstract record RecurrenceWeights
{
    /// <summary>All tensors.</summary>
    public abstract IReadOnlyList<string> Names { get; }

    /// <summary>Numbers of all of them.</summary>
    public abstract long Parameters { get; }

    /// <summary>Linears beside the first and the last, too few numbers to be worth fewer bits than eight.</summary>
    public virtual IReadOnlyList<LinearWeights> Linears => [];

    /// <summary>All tensors as a safetensors checkpoint has them.</summary>
    public abstract IEnumerable<(string Name, int[] Shape)> Tensors { get; }

    /// <exception cref="InvalidDataException">A tensor is missing or has another shape.</exception>
    public abstract void Check(CheckpointTensors tensors);

    /// <summary>Reads a whole tensor.</summary>
    protected static float[] Read(CheckpointTensors tensors, string name, int count)
    {
        var values = new float[count];
        tensors.Read(name, 0, values);
        return values;
    }

    /// <summary>Reads rates of decay, of which a checkpoint has the logarithms and a GGUF file the rates themselves.</summary>
    /// <exception cref="InvalidDataException">A rate is not negative; the message names the tensor.</exception>
    protected static float[] ReadRates(CheckpointTensors tensors, string name, int count)
    {
        var rates = Read(tensors, name, count);
        for (var i = 0; i < count && tensors.Gguf is null; i++)
            rates[i] = (float)-Math.Exp(rates[i]);
        return rates.All(rate => rate <= 0 && float.IsFinite(rate)) ? rates
            : throw new InvalidDataException($"{tensors.Folder}: tensor {name} holds a rate of decay that is no negative number.");
    }
}
