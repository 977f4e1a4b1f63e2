namespace Parley.ModelImporter.Safetensors;

/// <summary>An open file of weights. The seam between formats: safetensors and GGUF.</summary>
internal interface ITensorFile : IDisposable
{
    string Path { get; }

    /// <summary>Its tensors under the names that Hugging Face gives them, in order of their offsets.</summary>
    IReadOnlyList<StoredTensor> Tensors { get; }

    /// <summary>Checks that a tensor's element type can be read.</summary>
    /// <exception cref="InvalidDataException">It cannot; the message names file, tensor and type.</exception>
    void Check(StoredTensor tensor);

    /// <summary>Reads elements as fp32, from any thread.</summary>
    /// <param name="tensor">A tensor of this file.</param>
    /// <param name="first">Index of the first element.</param>
    /// <param name="values">Takes the elements.</param>
    void Read(StoredTensor tensor, long first, Span<float> values);

    /// <summary>The grid that a tensor was rounded to before it was stored; null where it was not.</summary>
    StoredGrid? GridOf(StoredTensor tensor) => null;

    /// <summary>Reads a row of codes as they are stored; <see cref="StoredGrid"/> says what they stand for.</summary>
    /// <param name="tensor">A tensor of this file that has a grid.</param>
    /// <param name="row">The row.</param>
    /// <param name="codes">Takes one byte per weight.</param>
    /// <param name="scales">Takes one scale per group.</param>
    /// <param name="minimums">Room for one minimum per group; written where the grid has any.</param>
    void ReadGrid(StoredTensor tensor, int row, Span<byte> codes, Span<float> scales, Span<float> minimums) =>
        throw new NotSupportedException();

    /// <summary>Reads bytes of a tensor as they are stored, from any thread.</summary>
    /// <param name="tensor">A tensor of this file.</param>
    /// <param name="first">Index of the first byte.</param>
    /// <param name="bytes">Takes the bytes.</param>
    void ReadBytes(StoredTensor tensor, long first, Span<byte> bytes) => throw new NotSupportedException();

    /// <summary>Gives back the memory that read pages take in this process; the next read maps them again.</summary>
    void Release();
}
