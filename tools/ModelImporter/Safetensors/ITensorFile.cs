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

    /// <summary>Whether a tensor consists of 4-bit groups of 32 weights.</summary>
    bool HasGroups(StoredTensor tensor) => false;

    /// <summary>Whether such groups have a minimum of their own; without one it is −8 scales.</summary>
    bool HasMinima(StoredTensor tensor) => false;

    /// <summary>Reads a row of 4-bit groups of 32 weights as they are stored: weight = code · scale + minimum.</summary>
    /// <param name="tensor">A tensor of this file that has groups.</param>
    /// <param name="row">The row.</param>
    /// <param name="codes">Takes one byte per two weights, the even one in the low nibble.</param>
    /// <param name="scales">Takes one scale per group.</param>
    /// <param name="minimums">Takes one minimum per group.</param>
    void ReadGroups(StoredTensor tensor, int row, Span<byte> codes, Span<float> scales, Span<float> minimums) =>
        throw new NotSupportedException();

    /// <summary>Whether a tensor was rounded before it was stored.</summary>
    bool IsQuantized(StoredTensor tensor) => false;

    /// <summary>Whether each weight of a tensor is a whole number of 8 bits times the scale of its group of 32.</summary>
    bool HasLevels(StoredTensor tensor) => false;

    /// <summary>Reads a row of such a tensor.</summary>
    /// <param name="tensor">A tensor of this file that has levels.</param>
    /// <param name="row">The row.</param>
    /// <param name="levels">Takes one number per weight.</param>
    /// <param name="scales">Takes one scale per group.</param>
    void ReadLevels(StoredTensor tensor, int row, Span<sbyte> levels, Span<float> scales) => throw new NotSupportedException();

    /// <summary>Gives back the memory that read pages take in this process; the next read maps them again.</summary>
    void Release();
}
