namespace Parley.ModelImporter.Safetensors;

/// <summary>Weights under one name, wherever their numbers lie: a stored tensor, rows of one, or two that belong together.</summary>
internal abstract class TensorSource
{
    /// <summary>The file, for messages.</summary>
    public abstract ITensorFile File { get; }

    /// <summary>Name of the stored tensor.</summary>
    public abstract string StoredName { get; }

    /// <summary>Element type as the file names it.</summary>
    public abstract string TypeName { get; }

    /// <summary>Sizes, row-major; empty for a scalar.</summary>
    public abstract IReadOnlyList<long> Shape { get; }

    /// <summary>The shape as text, e.g. <c>[576, 1536]</c>.</summary>
    public string ShapeText => $"[{string.Join(", ", Shape)}]";

    /// <summary>The grid that the weights were rounded to before they were stored; null where they were not.</summary>
    public virtual StoredGrid? Grid => null;

    /// <summary>Whether the weights were rounded before they were stored, on a grid or otherwise.</summary>
    public virtual bool IsRounded => Grid is not null;

    /// <summary>Checks that the element type can be read.</summary>
    /// <exception cref="InvalidDataException">It cannot; the message names file, tensor and type.</exception>
    public abstract void Check();

    /// <summary>Reads elements as fp32, from any thread.</summary>
    /// <param name="reading">Told of what is read of stored tensors; null for nobody.</param>
    /// <param name="first">Index of the first element.</param>
    /// <param name="values">Takes the elements.</param>
    public abstract void Read(TensorReading? reading, long first, Span<float> values);

    /// <summary>Reads a row of codes, see <see cref="ITensorFile.ReadGrid"/>.</summary>
    public virtual void ReadGrid(TensorReading? reading, int row, Span<byte> codes, Span<float> scales, Span<float> minimums) =>
        throw new NotSupportedException();
}
