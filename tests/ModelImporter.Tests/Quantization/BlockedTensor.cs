using System.Runtime.InteropServices;
using Parley.ModelImporter.Graph.Onnx;

namespace Parley.ModelImporter.Tests.Quantization;

/// <summary>A matrix of a package as MatMulNBits reads it, with the offsets that are added to its product.</summary>
internal sealed class BlockedTensor
{
    private readonly byte[] _codes;
    private readonly float[] _scales;
    private readonly float[]? _offsets;
    private readonly int _bits;
    private readonly int _block;
    private readonly int _inputs;
    private readonly int _outputs;

    public BlockedTensor(ModelProto model, string package, string name)
    {
        var node = model.Graph.Node.Single(node => node.OpType == "MatMulNBits" && node.Input[1] == $"{name}.weight");
        int Attribute(string attribute) => (int)node.Attribute.Single(entry => entry.Name == attribute).I;
        (_inputs, _outputs, _bits, _block) = (Attribute("K"), Attribute("N"), Attribute("bits"), Attribute("block_size"));
        _codes = PackedTensor.Bytes(model, package, $"{name}.weight");
        _scales = MemoryMarshal.Cast<byte, float>(PackedTensor.Bytes(model, package, $"{name}.scale")).ToArray();
        if (model.Graph.Initializer.Any(tensor => tensor.Name == $"{name}.offset"))
            _offsets = MemoryMarshal.Cast<byte, float>(PackedTensor.Bytes(model, package, $"{name}.offset")).ToArray();
    }

    public double Weight(int output, int input)
    {
        var (blocks, index) = (_inputs / _block, (output * _inputs) + input);
        var code = _bits == 8 ? _codes[index] : _codes[index / 2] >> (index % 2 * 4) & 15;
        var scale = (double)_scales[(output * blocks) + (input / _block)];
        return ((code - (1 << (_bits - 1))) * scale) + (_offsets?[(input / _block * _outputs) + output] ?? 0);
    }
}
