using System.Buffers.Binary;
using System.Text;
using CsCheck;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Tests.Safetensors;

public sealed class SafetensorsFileTests
{
    private const string TwoTensors =
        """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[2,2],"data_offsets":[8,16]}}""";

    [Fact]
    public void File_EachFloatType_IsReadAsFloats()
    {
        using var folder = new TemporaryFolder();
        const string Header =
            """{"f32":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"""
            + """ "f16":{"dtype":"F16","shape":[3],"data_offsets":[8,14]},"""
            + """ "bf16":{"dtype":"BF16","shape":[19],"data_offsets":[14,52]}}""";
        var data = new byte[52];
        BinaryPrimitives.WriteSingleLittleEndian(data, 1.5f);
        BinaryPrimitives.WriteSingleLittleEndian(data.AsSpan(4), -3e-5f);
        foreach (var (i, value) in new[] { 0.25f, -2f, 65504f }.Index())
            BinaryPrimitives.WriteHalfLittleEndian(data.AsSpan(8 + (2 * i)), (Half)value);
        for (var i = 0; i < 19; i++)
            BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(14 + (2 * i)), (ushort)(BitConverter.SingleToUInt32Bits(i - 9) >> 16));

        using var file = new SafetensorsFile(Write(folder, Header, data));

        Assert.Equal([1.5f, -3e-5f], Read(file, "f32"));
        Assert.Equal([0.25f, -2f, 65504f], Read(file, "f16"));
        Assert.Equal(Enumerable.Range(-9, 19).Select(i => (float)i), Read(file, "bf16"));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""",
        "overlap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,17]}}""", "data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,4]}}""", "data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", "data_offsets[0]")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""", "data_offsets")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", "does not fill")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", "does not fill")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", "shape[0]")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}""", "shape[0]")]
    [InlineData("""{"a":{"shape":[2],"data_offsets":[0,8]}}""", "dtype")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""",
        "data_offsets begin at 8")]
    [InlineData("""{"a":7}""", "a is not described")]
    [InlineData("""[]""", "not a JSON object")]
    [InlineData("""{"a":""", "not JSON")]
    [InlineData("""{"a":{"dtype":"\ud800","shape":[2],"data_offsets":[0,8]}}""", "invalid text")]
    [InlineData("""{"a":[[[[[[[[[[[[]]]]]]]]]]]]}""", "not JSON")]
    public void File_BadHeader_IsRefusedNamingTheField(string header, string named)
    {
        using var folder = new TemporaryFolder();
        var path = Write(folder, header, new byte[16]);

        var exception = Assert.Throws<InvalidDataException>(() => new SafetensorsFile(path));

        Assert.Contains(path, exception.Message, StringComparison.Ordinal);
        Assert.Contains(named, exception.Message, StringComparison.Ordinal);
    }

    /// <summary>Whether safetensors 0.8 opens a file of this header and so many bytes of data.</summary>
    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, true)]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 9, false)]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 7, false)]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[2,10]}}""", 10, false)]
    [InlineData("""{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, false)]
    [InlineData("""{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"F32","shape":[1],"data_offsets":[3,7]}}""", 7, true)]
    [InlineData("""{"b":{"dtype":"U8","shape":[3],"data_offsets":[4,7]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 7, true)]
    [InlineData("""{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"b":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""", 3, false)]
    [InlineData("""{"a":{"dtype":"F16","shape":[0],"data_offsets":[0,0]},"b":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}""", 2, true)]
    [InlineData("""{"a":{"dtype":"F16","shape":[5,0],"data_offsets":[2,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""",
        2, true)]
    [InlineData("""{"a":{"dtype":"U8","shape":[0],"data_offsets":[1,1]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", 2, false)]
    [InlineData("""{"a":{"dtype":"F16","shape":[0],"data_offsets":[0,0]}}""", 0, true)]
    [InlineData("{}", 0, true)]
    [InlineData("{}", 1, false)]
    [InlineData("""{"a":{"dtype":"BF16","shape":[],"data_offsets":[0,2]}}""", 2, true)]
    [InlineData("""{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}}""", 8, true)]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, true)]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, true)]
    [InlineData("""{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, false)]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"note":[1]}}""", 4, true)]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}""", 4, false)]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4.0]}}""", 4, false)]
    [InlineData("""{"a":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}}""", 4, false)]
    [InlineData("""{"a":{"dtype":"I4","shape":[2],"data_offsets":[0,1]}}""", 1, false)]
    [InlineData("""{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}""", 1, true)]
    [InlineData("""{"a":{"dtype":"F4","shape":[1],"data_offsets":[0,1]}}""", 1, false)]
    [InlineData("""{"a":{"dtype":"F6_E3M2","shape":[4],"data_offsets":[0,3]}}""", 3, true)]
    [InlineData("""{"a":{"dtype":"F8_E4M3FNUZ","shape":[4],"data_offsets":[0,4]}}""", 4, true)]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4,0],"data_offsets":[0,0]}}""", 0, false)]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[18446744073709551611,18446744073709551615]}}""", 4, false)]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[9223372036854775803,9223372036854775807]}}""", 4, false)]
    [InlineData("""{"__metadata__":{"format":"pt"}}""", 0, true)]
    [InlineData("""{"__metadata__":{"format":"pt","format":"np"}}""", 0, true)]
    [InlineData("""{"__metadata__":null}""", 0, true)]
    [InlineData("""{"__metadata__":{"epoch":3}}""", 0, false)]
    [InlineData("""{"__metadata__":{"epoch":null}}""", 0, false)]
    [InlineData("""{"__metadata__":{"epoch":{}}}""", 0, false)]
    [InlineData("""{"__metadata__":[]}""", 0, false)]
    [InlineData("""{"__metadata__":"pt"}""", 0, false)]
    [InlineData("""{"__metadata__":{},"__metadata__":{}}""", 0, false)]
    [InlineData(" {}", 0, true)]
    [InlineData("{}\n\t ", 0, true)]
    [InlineData("{}\0", 0, false)]
    [InlineData("{} x", 0, false)]
    [InlineData("\uFEFF{}", 0, false)]
    [InlineData("""{"a":null}""", 0, false)]
    public void File_AnyHeader_IsReadWhereTheReferenceReadsIt(string header, int bytes, bool isRead)
    {
        using var folder = new TemporaryFolder();
        var path = Write(folder, header, new byte[bytes]);
        var fault = Record.Exception(() => new SafetensorsFile(path).Dispose());

        Assert.Equal(isRead ? null : typeof(InvalidDataException), fault?.GetType());
    }

    [Fact]
    public void File_NameThatIsNotUtf8_IsRefused()
    {
        using var folder = new TemporaryFolder();
        var bytes = File.ReadAllBytes(Write(folder, """{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}""", []));
        bytes[10] = 0xFF;
        File.WriteAllBytes(folder.File("model.safetensors"), bytes);

        Assert.Contains("UTF-8", Assert.Throws<InvalidDataException>(
            () => new SafetensorsFile(folder.File("model.safetensors"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(1UL)]
    [InlineData(17UL)]
    [InlineData(100_000_001UL)]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    public void File_HeaderLengthBeyondFile_IsRefused(ulong length)
    {
        using var folder = new TemporaryFolder();
        var bytes = new byte[24];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        File.WriteAllBytes(folder.File("model.safetensors"), bytes);

        Assert.Contains("header length", Assert.Throws<InvalidDataException>(
            () => new SafetensorsFile(folder.File("model.safetensors"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void File_CutAtAnyLength_IsRefused()
    {
        using var folder = new TemporaryFolder();
        var whole = File.ReadAllBytes(Write(folder, TwoTensors, new byte[16]));
        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(folder.File("cut.safetensors"), whole[..length]);
            Assert.Throws<InvalidDataException>(() => new SafetensorsFile(folder.File("cut.safetensors")));
        }
    }

    [Fact]
    public void Header_AnyDamage_IsReadOrRefusedAsInvalidData()
    {
        var header = Encoding.UTF8.GetBytes(TwoTensors);
        Gen.Select(Gen.Int[0, header.Length - 1], Gen.Byte).Array[1, 6].Sample(
            edits =>
            {
                var damaged = header.ToArray();
                foreach (var (position, value) in edits)
                    damaged[position] = value;
                try
                {
                    var tensors = SafetensorsHeader.Parse(damaged, 8 + damaged.Length + 16, "fuzz");
                    Assert.All(tensors, tensor =>
                        Assert.InRange(tensor.Offset + tensor.Bytes, 8 + damaged.Length, 8 + damaged.Length + 16));
                }
                catch (InvalidDataException)
                {
                    // The only exception that a damaged header may cause.
                }
            },
            iter: 20_000,
            seed: "0N0XIzNsQ0O2");
    }

    [Fact]
    public void Tensors_NotANumber_IsRefusedNamingTheTensor()
    {
        using var folder = new TemporaryFolder();
        var data = new byte[16];
        BinaryPrimitives.WriteSingleLittleEndian(data, float.NaN);
        Write(folder, TwoTensors, data);
        using var tensors = CheckpointTensors.Open(folder.Path);

        var exception = Assert.Throws<InvalidDataException>(() => tensors.Read("a", 0, new float[2]));

        Assert.Contains("tensor a", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tensors_Shards_AreFoundOverTheIndex()
    {
        using var folder = new TemporaryFolder();
        Write(folder, """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", [0, 0, 0x80, 0x3F], "model-1.safetensors");
        Write(folder, """{"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", [0, 0, 0, 0x40], "model-2.safetensors");
        WriteIndex(folder, """{"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors"}}""");
        using var tensors = CheckpointTensors.Open(folder.Path);
        var value = new float[1];

        tensors.Read("b", 0, value);

        Assert.Equal(2, value[0]);
        Assert.Equal(["a", "b"], tensors.Names.Order());
    }

    /// <summary>As in transformers: the single file wins over an index; of shards every tensor counts, named by the index or not.</summary>
    [Fact]
    public void Tensors_BesideTheIndex_AreThoseOfTransformers()
    {
        using var folder = new TemporaryFolder();
        const string Both =
            """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"more":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}""";
        Write(folder, Both, new byte[2], "model-1.safetensors");
        Write(folder, """{"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", new byte[1], "unnamed.safetensors");
        WriteIndex(folder, """{"weight_map":{"a":"model-1.safetensors"}}""");
        using (var shards = CheckpointTensors.Open(folder.Path))
            Assert.Equal(["a", "more"], shards.Names.Order());

        Write(folder, """{"single":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", new byte[1]);
        using var single = CheckpointTensors.Open(folder.Path);
        Assert.Equal(["single"], single.Names);
    }

    [Theory]
    [InlineData("""{"weight_map":{"a":"..\\model-1.safetensors","a":"model-1.safetensors"}}""", "weight_map")]
    [InlineData("""{"weight_map":{"a":"sub/model-1.safetensors"}}""", "weight_map.a")]
    [InlineData("""{"weight_map":{"a":"model-1.safetensors","a":"model-1.safetensors"}}""", "names a twice")]
    [InlineData("""{"weight_map":{"a":7}}""", "weight_map.a")]
    [InlineData("""{"weight_map":[]}""", "weight_map")]
    [InlineData("""{"weight_map":{"a":"../model-1.safetensors"}}""", "weight_map.a")]
    [InlineData("""{"weight_map":{"a":"/etc/passwd"}}""", "weight_map.a")]
    [InlineData("""{"weight_map":{"a":"model-9.safetensors"}}""", "model-9.safetensors")]
    [InlineData("""{"weight_map":{"b":"model-1.safetensors"}}""", "tensor b")]
    [InlineData("""{"weight_map":{}}""", "weight_map")]
    [InlineData("""{}""", "weight_map")]
    [InlineData("""nonsense""", "index.json")]
    public void Tensors_BadIndex_IsRefusedNamingTheEntry(string index, string named)
    {
        using var folder = new TemporaryFolder();
        Write(folder, """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", new byte[4], "model-1.safetensors");
        WriteIndex(folder, index);

        Assert.Contains(
            named, Assert.Throws<InvalidDataException>(() => CheckpointTensors.Open(folder.Path)).Message, StringComparison.Ordinal);
    }

    private static void WriteIndex(TemporaryFolder folder, string text) =>
        File.WriteAllText(folder.File("model.safetensors.index.json"), text);

    private static float[] Read(SafetensorsFile file, string name)
    {
        var tensor = file.Tensors.Single(tensor => tensor.Name == name);
        var values = new float[tensor.Elements];
        file.Read(tensor, 0, values);
        return values;
    }

    private static string Write(TemporaryFolder folder, string header, byte[] data, string name = "model.safetensors")
    {
        var json = Encoding.UTF8.GetBytes(header);
        var prefix = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)json.Length);
        File.WriteAllBytes(folder.File(name), [.. prefix, .. json, .. data]);
        return folder.File(name);
    }
}
