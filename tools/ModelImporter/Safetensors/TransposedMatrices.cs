namespace Parley.ModelImporter.Safetensors;

/// <summary>The matrices of a checkpoint that were transposed last.</summary>
internal sealed class TransposedMatrices
{
    private const int HeldMax = 2;

    private readonly Queue<(TransposedSource Source, float[] Values)> _held = new();
    private readonly Lock _lock = new();

    /// <summary>A matrix; made by whoever asks first, while others wait.</summary>
    public float[] Get(TransposedSource source, Func<float[]> make)
    {
        lock (_lock)
        {
            foreach (var (known, values) in _held)
            {
                if (known == source)
                    return values;
            }

            var made = make();
            if (_held.Count == HeldMax)
                _held.Dequeue();
            _held.Enqueue((source, made));
            return made;
        }
    }
}
