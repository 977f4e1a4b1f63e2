using Parley.ModelImporter.Gguf.Metadata;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Gguf;

/// <summary>
/// An open <c>.gguf</c> file, mapped into memory. Its tensors have Hugging Face's names, and rows of queries and keys Hugging Face's
/// order: of some families llama.cpp stores the two halves of a head's rotary pairs interleaved.
/// </summary>
internal sealed class GgufFile : ITensorFile
{
    private readonly MappedFile _file;
    private readonly Dictionary<string, (GgufType Type, int HeadSize)> _details = new(StringComparer.Ordinal);

    private GgufFile(MappedFile file, GgufHeader header, GgufConfiguration configuration, string path)
    {
        (Path, _file, Configuration) = (path, file, configuration);
        Tensors = [.. header.Tensors.Where(tensor => !GgufNames.IsRotaryFactors(tensor.Name)).Select(Adopt)];
    }

    /// <summary>Opens a model that is one file, or all files that it was split into, and checks their headers.</summary>
    /// <param name="paths">The files in order; the metadata are those of the first.</param>
    /// <exception cref="InvalidDataException">A file is malformed, of another architecture or of another model; the message names it and
    /// the field.</exception>
    public static IReadOnlyList<GgufFile> OpenAll(params IReadOnlyList<string> paths)
    {
        var files = new List<MappedFile>();
        try
        {
            var headers = new List<GgufHeader>();
            foreach (var path in paths)
            {
                var file = new MappedFile(path);
                files.Add(file);
                headers.Add(GgufHeader.Parse(file.Span(0, (int)Math.Min(GgufHeader.BytesMax, file.Bytes)), file.Bytes, path));
                GgufSplit.Check(headers[^1], headers.Count - 1, paths.Count, path);
            }

            var whole = headers[0] with { Tensors = [.. headers.SelectMany(header => header.Tensors)] };
            GgufSplit.CheckCount(headers[0], whole.Tensors.Count, paths[0]);
            var factors = new GgufRotaryFactors(
                Find(GgufNames.RotaryFactors), Find(GgufNames.ShortFactors), Find(GgufNames.LongFactors));
            var configuration = new GgufConfiguration(whole, paths[0], factors);
            return [.. headers.Select((header, i) => new GgufFile(files[i], header, configuration, paths[i]))];

            float[]? Find(string name) => headers.Select((header, i) => ReadFactors(header, name, files[i], paths[i]))
                .FirstOrDefault(found => found is not null);
        }
        catch
        {
            foreach (var file in files)
                file.Dispose();
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
                $"{Path}: tensor {tensor.Name} is of the type {tensor.TypeName}; read are {string.Join(", ", Enum.GetNames<GgufType>())}. "
                + "Fetch a file of the same model in one of these, such as Q4_K_M, Q8_0 or BF16.");
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

    public StoredGrid? GridOf(StoredTensor tensor) => GgufGrids.Of(_details[tensor.Name].Type);

    public void ReadGrid(StoredTensor tensor, int row, Span<byte> codes, Span<float> scales, Span<float> minimums)
    {
        var stored = StoredBlocks(tensor, row, out var type, out var weights, out var bytes);
        var groups = weights / GgufGrids.Of(type)!.Group;
        for (var block = 0; block < stored.Length / bytes; block++)
        {
            GgufGrids.Read(
                type, stored.Slice(block * bytes, bytes), codes.Slice(block * weights, weights),
                scales.Slice(block * groups, groups), minimums.Slice(block * groups, groups));
        }
    }

    public void Release() => _file.Release();

    public void Dispose() => _file.Dispose();

    /// <summary>The blocks of a row as they lie in the file.</summary>
    private ReadOnlySpan<byte> StoredBlocks(StoredTensor tensor, int row, out GgufType type, out int weights, out int bytes)
    {
        (type, var headSize) = _details[tensor.Name];
        (weights, bytes) = GgufBlocks.SizeOf(type)!.Value;
        var length = (int)tensor.Shape[^1] / weights * bytes;
        return _file.Span(tensor.Offset + (StoredRow(row, headSize) * length), length);
    }

    /// <summary>By what the frequency of each rotary pair is divided, where the file says so.</summary>
    private static float[]? ReadFactors(GgufHeader header, string name, MappedFile file, string path)
    {
        if (header.Tensors.FirstOrDefault(tensor => tensor.Name == name) is not { } tensor)
            return null;
        if (tensor.TypeName != nameof(GgufType.F32) || tensor.Elements > GgufNames.RotaryFactorsMax)
        {
            throw new InvalidDataException($"{path}: tensor {tensor.Name} is {tensor.TypeName} {tensor.ShapeText}, not up to "
                + $"{GgufNames.RotaryFactorsMax} numbers in F32.");
        }

        var factors = new float[tensor.Elements];
        GgufBlocks.Decode(GgufType.F32, file.Span(tensor.Offset, (int)tensor.Bytes), factors);
        return factors;
    }

    private StoredTensor Adopt(StoredTensor tensor)
    {
        var headSize = Configuration.Family.IsPermuted && GgufNames.IsRotated(tensor.Name) ? Configuration.HeadSize : 0;
        if (headSize > 0 && tensor.Shape[0] % headSize != 0)
        {
            throw new InvalidDataException(
                $"{Path}: tensor {tensor.Name} has {tensor.Shape[0]} rows, no multiple of the head size {headSize}.");
        }

        var name = GgufNames.Translate(tensor.Name, Configuration.Family.Modules);
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
