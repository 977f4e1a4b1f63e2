using System.Numerics.Tensors;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Forms;

/// <summary>Scales, biases or zero points of a form, in whatever type they are stored.</summary>
internal sealed class StoredNumbers
{
    private readonly StoredSource _source;

    /// <summary>What bytes stand for; null where numbers are no bytes.</summary>
    private readonly float[]? _values;

    /// <param name="source">The tensor.</param>
    /// <param name="bytes">What bytes that are no numbers of their own stand for. Default: null, for none such.</param>
    /// <exception cref="InvalidDataException">The type is not read.</exception>
    public StoredNumbers(StoredSource source, float[]? bytes = null)
    {
        _source = source;
        _values = source.TypeName switch
        {
            Float8.E4M3 => Float8.E4M3Values,
            Float8.E8M0 => Float8.E8M0Values,
            "I8" => [.. Enumerable.Range(0, 256).Select(value => (float)(sbyte)value)],
            "U8" when bytes is not null => bytes,
            _ => null,
        };
        if (_values is null)
            source.Check();
    }

    public StoredSource Source => _source;

    /// <summary>Reads numbers, from any thread.</summary>
    /// <exception cref="InvalidDataException">One is infinite or none; the message names file and tensor.</exception>
    public void Read(TensorReading? reading, long first, Span<float> numbers)
    {
        if (_values is null)
            _source.Read(reading, first, numbers);
        else
        {
            Span<byte> bytes = numbers.Length <= 1024 ? stackalloc byte[numbers.Length] : new byte[numbers.Length];
            _source.ReadBytes(reading, first, bytes);
            for (var i = 0; i < bytes.Length; i++)
                numbers[i] = _values[bytes[i]];
        }

        if (numbers.Length > 0 && !float.IsFinite(TensorPrimitives.MaxMagnitude<float>(numbers)))
        {
            throw new InvalidDataException(
                $"{_source.File.Path}: tensor {_source.StoredName} holds a scale or offset that is infinite or not a number.");
        }
    }

    /// <summary>The tensor's only number.</summary>
    public float Single()
    {
        Span<float> number = stackalloc float[1];
        Read(null, 0, number);
        return number[0];
    }
}
