using Parley.ModelImporter.Forms;
using Parley.ModelImporter.Graph.Onnx;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Exports;

/// <summary>
/// The weights of onnxruntime-genai's builder under the names of the checkpoint that it read: matrices of MatMulNBits by their codes,
/// others as numbers. What the graph computes beside them must be what a plain decoder does, else the weights alone would say too little.
/// </summary>
/// <param name="model">The graph.</param>
/// <param name="queryRows">Rows of the queries in a matrix that has keys and values behind them.</param>
/// <param name="keyRows">Rows of the keys in it, and of the values.</param>
internal sealed class NBitsForm(ExportedModel model, int queryRows, int keyRows) : IStoredForm
{
    private const string Head = "lm_head";
    private const string Embedding = "model.embed_tokens.weight";
    private const string MatrixEnding = ".MatMul.weight";
    private const string BiasEnding = ".Add.bias";
    private const int ColumnsMax = 1 << 24;

    /// <summary>What a plain decoder consists of, and how its builder makes lengths of the mask.</summary>
    private static readonly string[] PlainNodes =
    [
        "Constant", "ReduceSum", "Sub", "Cast", "Shape", "Gather", "Reshape", "GatherBlockQuantized", "SimplifiedLayerNormalization",
        "SkipSimplifiedLayerNormalization", "MatMulNBits", "MatMul", "Add", "GroupQueryAttention", "Sigmoid", "Mul", "QuickGelu", "Split",
    ];

    private readonly Dictionary<string, TensorSource> _found = new(StringComparer.Ordinal);
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);

    public void Join(CheckpointTensors tensors)
    {
        var constants = model.Graph.Node.Where(node => node.OpType == "Constant").SelectMany(node => node.Output)
            .ToHashSet(StringComparer.Ordinal);
        foreach (var node in model.Graph.Node)
        {
            if (!PlainNodes.Contains(node.OpType))
                throw Fault($"node {node.Name} is {node.OpType}, which no plain decoder has");
            switch (node.OpType)
            {
                case "MatMulNBits":
                    AddMatrix(Name(node.Input[1], MatrixEnding), Codes(tensors, node), tensors, node.Input.ElementAtOrDefault(5));
                    break;
                case "MatMul" when tensors.Contains(node.Input[1]):
                    AddMatrix(Name(node.Input[1], MatrixEnding), Transposed(tensors, node.Input[1]), tensors, null);
                    break;
                case "Add" when node.Input.FirstOrDefault(tensors.Contains) is { } bias:
                    AddBias(Name(bias, BiasEnding), Take(tensors, bias));
                    break;
                case "Gather" or "GatherBlockQuantized" when node.Input[1] == "input_ids":
                    AddEmbedding(tensors, node);
                    break;
                case "SimplifiedLayerNormalization" or "SkipSimplifiedLayerNormalization":
                    AddNorm(tensors, node);
                    break;
                case "GroupQueryAttention":
                    CheckAttention(node);
                    break;
                case "Mul" or "Add" when node.Input.Any(input => constants.Contains(input) || tensors.Contains(input)):
                    throw Fault($"node {node.Name} takes a number of its own, which no plain decoder has");
            }
        }

        foreach (var name in tensors.Names.ToArray())
        {
            if (!_used.Contains(name))
                throw Fault($"tensor {name} is of no module that is known by its name");
            tensors.Remove(name);
        }

        foreach (var (name, source) in _found)
            tensors.Add(name, source);
    }

    /// <summary>The checkpoint's name of a module, by its name in the graph.</summary>
    private string Name(string tensor, string ending)
    {
        var at = tensor.IndexOf(ending, StringComparison.Ordinal);
        if (at < 0)
            throw Fault($"tensor {tensor} is not named as onnxruntime-genai's builder names one; import the checkpoint that was exported");
        return tensor[..at].Replace(".attn.", ".self_attn.", StringComparison.Ordinal);
    }

    private void AddMatrix(string module, TensorSource matrix, CheckpointTensors tensors, string? bias)
    {
        AddParts(module, "weight", matrix, [matrix.Shape[1]]);
        if (!string.IsNullOrEmpty(bias))
            AddBias(module, Take(tensors, bias));
    }

    private void AddBias(string module, TensorSource bias) => AddParts(module, "bias", bias, []);

    /// <summary>A matrix of several modules is cut into theirs.</summary>
    private void AddParts(string module, string part, TensorSource whole, long[] columns)
    {
        (string Name, long Rows)[] parts = module[(module.LastIndexOf('.') + 1)..] switch
        {
            "qkv_proj" => [("q_proj", queryRows), ("k_proj", keyRows), ("v_proj", keyRows)],
            "gate_up_proj" => [("gate_proj", whole.Shape[0] / 2), ("up_proj", whole.Shape[0] / 2)],
            _ => [],
        };
        if (parts.Length == 0)
        {
            Add($"{module}.{part}", whole);
            return;
        }

        if (parts.Sum(piece => piece.Rows) != whole.Shape[0])
            throw Fault($"tensor {whole.StoredName} has {whole.Shape[0]} rows, not {parts.Sum(piece => piece.Rows)} of {module}");
        var (parent, first) = (module[..(module.LastIndexOf('.') + 1)], 0L);
        foreach (var (name, rows) in parts)
        {
            Add($"{parent}{name}.{part}", new RowsSource(whole, first, 1, [rows, .. columns]));
            first += rows;
        }
    }

    private void AddEmbedding(CheckpointTensors tensors, NodeProto node)
    {
        var name = node.Input[0];
        // The head's codes, taken for rows: one matrix for both.
        if (model.Graph.Node.FirstOrDefault(maker => maker.Output.Contains(name)) is { OpType: "Reshape" } reshape
            && reshape.Input[0].StartsWith(Head, StringComparison.Ordinal))
            return;
        if (node.OpType == "Gather")
        {
            Add(Embedding, Take(tensors, name));
            return;
        }

        var codes = Take(tensors, name);
        var (bits, block) = ((int)Number(node, "bits", 4), (int)Number(node, "block_size", 128));
        if (codes.Shape.Count != 2 || bits is not (4 or 8) || Number(node, "gather_axis", 0) != 0 || Number(node, "quantize_axis", 1) != 1)
            throw Fault($"node {node.Name} takes rows otherwise than [vocabulary, codes] of 4 or 8 bits");
        Add(Embedding, Grouped(
            tensors, node, codes, bits, block, (int)codes.Shape[0], checked((int)(codes.Shape[1] * 8 / bits)), node.Input[2],
            node.Input.ElementAtOrDefault(3)));
    }

    private void AddNorm(CheckpointTensors tensors, NodeProto node)
    {
        var name = node.Input[node.OpType == "SimplifiedLayerNormalization" ? 1 : 2];
        if (!tensors.Contains(name) || node.Input.ElementAtOrDefault(3) is { Length: > 0 })
            throw Fault($"node {node.Name} has no weights of its own, or a bias");
        var own = name.Replace(".attn.", ".self_attn.", StringComparison.Ordinal)
            .Replace("_norm.layernorm.weight", "_norm.weight", StringComparison.Ordinal);
        Add(own.EndsWith(".final_norm_layernorm.weight", StringComparison.Ordinal) ? "model.norm.weight" : own, Take(tensors, name));
    }

    private void CheckAttention(NodeProto node)
    {
        _used.UnionWith(node.Input.Skip(7).Take(2));
        if (node.Attribute.Any(attribute => attribute.Name is "softcap" && attribute.F != 0)
            || node.Attribute.Any(attribute => attribute.Name is "smooth_softmax" or "rotary_interleaved" && attribute.I > 0)
            || node.Input.Skip(9).Any(input => input.Length > 0))
        {
            throw Fault($"node {node.Name} has a soft cap, sinks, neighbouring pairs or inputs of its own, which no plain decoder has");
        }
    }

    private TransposedSource Transposed(CheckpointTensors tensors, string name)
    {
        var matrix = Take(tensors, name);
        if (matrix.Shape is not [var inputs and > 0, var outputs and > 0])
            throw Fault($"tensor {name} is {matrix.ShapeText}, no matrix");
        return new TransposedSource(
            new StoredSource(matrix.File, matrix.Tensor with { Shape = [1, inputs, outputs] }), 0, tensors.Transposed);
    }

    private GroupedSource Codes(CheckpointTensors tensors, NodeProto node)
    {
        if (node.Input.ElementAtOrDefault(4) is { Length: > 0 } order)
            throw Fault($"node {node.Name} has an order of its inputs, {order}, which is not read");
        var (inputs, outputs, bits) = (Number(node, "K", 0), Number(node, "N", 0), (int)Number(node, "bits", 4));
        if (bits is not (4 or 8) || inputs is <= 0 or > ColumnsMax || outputs is <= 0 or > ColumnsMax)
            throw Fault($"node {node.Name} has {outputs} outputs of {inputs} inputs in {bits} bits; read are 4 and 8");
        return Grouped(
            tensors, node, Take(tensors, node.Input[1]), bits, (int)Number(node, "block_size", 0), (int)outputs, (int)inputs, node.Input[2],
            node.Input.ElementAtOrDefault(3));
    }

    private GroupedSource Grouped(
        CheckpointTensors tensors, NodeProto node, StoredSource codes, int bits, int block, int rows, int columns, string scalesName,
        string? zerosName)
    {
        if (block is < 16 or > ColumnsMax || columns % block != 0)
            throw Fault($"node {node.Name} has blocks of {block}, which do not divide its {columns} inputs");
        var (groups, scales) = (columns / block, Take(tensors, scalesName));
        if (codes.TypeName != "U8" || codes.Tensor.Bytes != (long)rows * columns * bits / 8)
            throw ModuleParts.Refuse(codes, $"uint8 with {(long)rows * columns * bits / 8} bytes");
        if (scales.Tensor.Elements != (long)rows * groups)
            throw ModuleParts.Refuse(scales, $"{rows} · {groups} scales");
        return new GroupedSource(
            new RowwiseCodes(
                new StoredCodes(codes, CodePacking.Bits, bits, columns), new RowNumbers(new StoredNumbers(scales)) { PerRow = groups },
                string.IsNullOrEmpty(zerosName) ? new EqualNumbers(1 << (bits - 1)) : Zeros(tensors, zerosName, bits, rows, groups)),
            ColumnGroups.Even(columns, block), new ZeroPointMeaning(bits), [rows, columns], $"MatMulNBits-{bits}");
    }

    private GroupNumbers Zeros(CheckpointTensors tensors, string name, int bits, int rows, int groups)
    {
        var zeros = Take(tensors, name);
        if (zeros.TypeName != "U8")
        {
            ModuleParts.Check(zeros, [.. zeros.Shape.Count == 1 ? [(long)rows * groups] : new long[] { rows, groups }]);
            return new RowNumbers(new StoredNumbers(zeros)) { PerRow = groups };
        }

        if (zeros.Tensor.Bytes != (long)rows * (((groups * bits) + 7) / 8))
            throw ModuleParts.Refuse(zeros, $"{rows} rows of {groups} zero points of {bits} bits");
        return new RowZeroPoints(zeros, bits, groups);
    }

    private StoredSource Take(CheckpointTensors tensors, string name)
    {
        _used.Add(name);
        return tensors.Contains(name) && tensors.Source(name) is StoredSource source ? source
            : throw Fault($"{name} is no tensor of the graph's own, of a type that is read");
    }

    private void Add(string name, TensorSource source)
    {
        if (!_found.TryAdd(name, source))
            throw Fault($"tensors {source.StoredName} and {_found[name].StoredName} stand for the same weights, {name}");
    }

    private static long Number(NodeProto node, string name, long usual) =>
        node.Attribute.FirstOrDefault(attribute => attribute.Name == name)?.I ?? usual;

    private InvalidDataException Fault(string what) => new($"{model.Path}: {what}.");
}
