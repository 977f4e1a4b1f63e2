using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Gguf;

/// <summary>
/// An open <c>.gguf</c> file of the Llama architecture, mapped into memory. Its tensors have Hugging Face's names, and rows of queries and
/// keys Hugging Face's order: llama.cpp stores the two halves of a head's rotary pairs interleaved.
/// </summary>
internal sealed class GgufFile : ITensorFile
{
    private readonly MappedFile _file;
    private readonly Dictionary<string, (GgufType Type, int HeadSize)> _details = new(StringComparer.Ordinal);

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="InvalidDataException">The file is malformed or of another architecture; the message names it and the
    /// field.</exception>
    public GgufFile(string path)
    {
        Path = path;
        _file = new MappedFile(path);
        try
        {
            var header = GgufHeader.Parse(_file.Span(0, (int)Math.Min(GgufHeader.BytesMax, _file.Bytes)), _file.Bytes, path);
            Configuration = new GgufConfiguration(header, path);
            Tensors = [.. header.Tensors.Where(tensor => tensor.Name != GgufNames.RotaryFactors).Select(Adopt)];
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    public string Path { get; }

    /// <summary>What the metadata say of the architecture.</summary>
    public GgufConfiguration Configuration { get; }

    public IReadOnlyList<StoredTensor> Tensors { get; }

    public void Check(StoredTensor tensor)
    {
        if (GgufBlocks.SizeOf(_details[tensor.Name].Type) is null)
        {
            throw new InvalidDataException(
                $"{Path}: tensor {tensor.Name} is of {tensor.TypeName}; read are {string.Join(", ", Enum.GetNames<GgufType>())}.");
        }
    }

    public void Read(StoredTensor tensor, long first, Span<float> values)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + values.Length, tensor.Elements);
        Check(tensor);
        var (type, headSize) = _details[tensor.Name];
        var columns = tensor.Shape.Count > 1 || headSize == 0 ? tensor.Shape[^1] : 1;
        while (values.Length > 0)
        {
            var (row, column) = (first / columns, first % columns);
            var count = (int)Math.Min(values.Length, columns - column);
            ReadRun(tensor, type, (StoredRow(row, headSize) * columns) + column, values[..count]);
            first += count;
            values = values[count..];
        }
    }

    public bool HasGroups(StoredTensor tensor) => GgufBlocks.HasGroups(_details[tensor.Name].Type);

    public bool HasMinima(StoredTensor tensor) => _details[tensor.Name].Type is GgufType.Q4_1 or GgufType.Q4_K;

    public void ReadGroups(StoredTensor tensor, int row, Span<byte> codes, Span<float> scales, Span<float> minimums)
    {
        var (type, headSize) = _details[tensor.Name];
        var (weights, bytes) = GgufBlocks.SizeOf(type)!.Value;
        var blocks = (int)tensor.Shape[^1] / weights;
        var stored = _file.Span(tensor.Offset + (StoredRow(row, headSize) * blocks * bytes), blocks * bytes);
        var groups = weights / GgufBlocks.Group;
        for (var block = 0; block < blocks; block++)
        {
            GgufBlocks.ReadGroups(
                type, stored.Slice(block * bytes, bytes), codes.Slice(block * weights / 2, weights / 2),
                scales.Slice(block * groups, groups), minimums.Slice(block * groups, groups));
        }
    }

    public void Release() => _file.Release();

    public void Dispose() => _file.Dispose();

    private StoredTensor Adopt(StoredTensor tensor)
    {
        var headSize = GgufNames.IsRotated(tensor.Name) ? Configuration.HeadSize : 0;
        if (headSize > 0 && tensor.Shape[0] % headSize != 0)
        {
            throw new InvalidDataException(
                $"{Path}: tensor {tensor.Name} has {tensor.Shape[0]} rows, no multiple of the head size {headSize}.");
        }

        var name = GgufNames.Translate(tensor.Name);
        var type = Enum.TryParse<GgufType>(tensor.TypeName, out var known) && Enum.IsDefined(known) ? known : (GgufType)(-1);
        if (!_details.TryAdd(name, (type, headSize)))
            throw new InvalidDataException($"{Path}: two tensors stand for {name}.");
        return tensor with { Name = name };
    }

    /// <summary>Of head h, element i of half p: row (h, p, i) here is row (h, i, p) there.</summary>
    private static long StoredRow(long row, int headSize)
    {
        if (headSize == 0)
            return row;
        var (head, within) = (row / headSize, row % headSize);
        return (head * headSize) + (within % (headSize / 2) * 2) + (within / (headSize / 2));
    }

    /// <summary>Reads elements that lie side by side; a run may begin and end within a block.</summary>
    private void ReadRun(StoredTensor tensor, GgufType type, long first, Span<float> values)
    {
        var (weights, bytes) = GgufBlocks.SizeOf(type)!.Value;
        Span<float> whole = stackalloc float[weights];
        while (values.Length > 0)
        {
            var (block, skip) = (first / weights, (int)(first % weights));
            var offset = tensor.Offset + (block * bytes);
            if (skip == 0 && values.Length >= weights)
            {
                var count = values.Length / weights;
                GgufBlocks.Decode(type, _file.Span(offset, checked(count * bytes)), values[..(count * weights)]);
                first += count * weights;
                values = values[(count * weights)..];
                continue;
            }

            GgufBlocks.Decode(type, _file.Span(offset, bytes), whole);
            var taken = Math.Min(weights - skip, values.Length);
            whole.Slice(skip, taken).CopyTo(values);
            first += taken;
            values = values[taken..];
        }
    }
}
