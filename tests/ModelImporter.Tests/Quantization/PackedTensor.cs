using System.Runtime.InteropServices;
using Parley.ModelImporter.Graph.Onnx;
using Parley.PackageFormat;

namespace Parley.ModelImporter.Tests.Quantization;

/// <summary>A matrix of a package in our layout, read weight by weight from its description alone.</summary>
internal sealed class PackedTensor
{
    private readonly byte[] _codes;
    private readonly Half[] _halves;
    private readonly int _inputs;
    private readonly int _group;
    private readonly int _blocks;
    private readonly bool _minima;
    private readonly sbyte[]? _levels;

    public PackedTensor(ModelProto model, string package, string name)
    {
        var node = model.Graph.Node.First(node => node.Input.Contains($"{name}.weight"));
        int Attribute(string attribute) => (int)node.Attribute.Single(entry => entry.Name == attribute).I;
        (_inputs, _group, Bits) = (Attribute("K"), Attribute("group"), Attribute("bits"));
        _levels = node.Attribute.SingleOrDefault(entry => entry.Name == "levels")?.Ints.Select(level => (sbyte)level).ToArray();
        _codes = Bytes(model, package, $"{name}.weight");
        _halves = MemoryMarshal.Cast<byte, Half>(Bytes(model, package, $"{name}.scale")).ToArray();
        _blocks = QuantizedLinearLayout.Blocks(Attribute("N"));
        _minima = _halves.Length == _blocks * (_inputs / _group) * 32;
    }

    public int Bits { get; }

    public bool HasLevels => _levels is not null;

    /// <summary>A weight, and the step that it was rounded to.</summary>
    public (double Weight, double Scale) Weight(int output, int input)
    {
        var position = ((output / 16 * (_inputs / _group)) + (input / _group)) * (_minima ? 32 : 16);
        var scale = (double)_halves[position + (output % 16)];
        var code = Nibble(output / 16, output % 16, input);
        if (_levels is not null)
            return (scale * _levels[code], scale);
        if (Bits == 8)
            code = (16 * code) + Nibble(_blocks + (output / 16), output % 16, input);
        return ((scale * code) + (_minima ? (double)_halves[position + 16 + (output % 16)] : -(1 << (Bits - 1)) * scale), scale);
    }

    /// <summary>The minimum of a weight's group; 0 where there is none.</summary>
    public double Minimum(int output, int input) =>
        _minima ? (double)_halves[(((output / 16 * (_inputs / _group)) + (input / _group)) * 32) + 16 + (output % 16)] : 0;

    private int Nibble(int block, int lane, int input)
    {
        var value = _codes[(block * _inputs * 8) + (input / 8 * 64) + (4 * lane) + (input % 4)];
        return input % 8 < 4 ? value & 15 : value >> 4;
    }

    public static byte[] Bytes(ModelProto model, string package, string name)
    {
        var tensor = model.Graph.Initializer.Single(tensor => tensor.Name == name);
        if (tensor.HasRawData)
            return tensor.RawData.ToByteArray();
        var external = tensor.ExternalData.Where(entry => entry.Key != "location")
            .ToDictionary(entry => entry.Key, entry => long.Parse(entry.Value));
        using var data = File.OpenRead(Path.Combine(package, "model.data"));
        data.Position = external["offset"];
        var bytes = new byte[external["length"]];
        data.ReadExactly(bytes);
        return bytes;
    }
}
