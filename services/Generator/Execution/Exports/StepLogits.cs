namespace Parley.Generator.Execution.Exports;

/// <summary>The logits of a step in the order of its rows, put together of those of its runs.</summary>
internal sealed class StepLogits : IDisposable
{
    private readonly AlignedBuffer _buffer;
    private readonly LogitsMemory _memory;
    private readonly int _vocabulary;

    public StepLogits(int rowsMax, int vocabulary)
    {
        var elements = checked(rowsMax * vocabulary);
        _vocabulary = vocabulary;
        _buffer = new AlignedBuffer((long)elements * sizeof(float));
        _memory = new LogitsMemory(() => _buffer.Span<float>(elements));
    }

    /// <summary>One row, to be filled.</summary>
    public Span<float> Row(int row) => _buffer.Span<float>((row + 1) * _vocabulary)[(row * _vocabulary)..];

    /// <summary>The first rows.</summary>
    public ReadOnlyMemory<float> Rows(int count) => _memory.Memory[..(count * _vocabulary)];

    public void Dispose() => _buffer.Dispose();
}
