using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Parley.Generator.Execution;

/// <summary>A small input or the output of a step: one buffer for the largest step, bound anew only when the shape changes.</summary>
internal sealed class StepTensor(
    OrtIoBinding binding, string name, TensorElementType type, int elementBytes, long elementsMax, bool isOutput = false) : IDisposable
{
    private readonly AlignedBuffer _buffer = new(elementsMax * elementBytes);
    private OrtValue? _value;
    private long _rows = -1;
    private long _columns = -1;

    /// <summary>Copies a vector in and binds it.</summary>
    public void Set<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        values.CopyTo(_buffer.Span<T>(values.Length));
        Bind(values.Length, -1);
    }

    /// <summary>Copies a matrix in and binds it.</summary>
    public void Set<T>(ReadOnlySpan<T> values, int columns)
        where T : unmanaged
    {
        values.CopyTo(_buffer.Span<T>(values.Length));
        Bind(values.Length / columns, columns);
    }

    /// <summary>Binds the first rows of the buffer; columns −1 is a vector.</summary>
    public void Bind(long rows, long columns)
    {
        if (rows == _rows && columns == _columns)
            return;
        var value = columns < 0 ? _buffer.View(type, elementBytes, rows) : _buffer.View(type, elementBytes, rows, columns);
        if (isOutput)
            binding.BindOutput(name, value);
        else
            binding.BindInput(name, value);
        _value?.Dispose();
        (_value, _rows, _columns) = (value, rows, columns);
    }

    public Span<T> Span<T>(int count)
        where T : unmanaged => _buffer.Span<T>(count);

    public void Dispose()
    {
        _value?.Dispose();
        _buffer.Dispose();
    }
}
