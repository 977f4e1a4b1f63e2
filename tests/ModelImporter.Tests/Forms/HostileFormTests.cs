namespace Parley.ModelImporter.Tests.Forms;

/// <summary>Tensors that do not fit each other, or hold what no scale is, give an error that names file and tensor.</summary>
public sealed class HostileFormTests
{
    private const string Gptq = """{"quant_method":"gptq"}""";
    private const string Bnb = """{"quant_method":"bitsandbytes"}""";

    [Fact]
    public void Gptq_GroupsThatAreNone_AreRefused()
    {
        var list = new int[96];
        list[5] = 3;
        Refused(File().With(".g_idx", "I32", [96], list), Gptq, "g_idx", "not 3");
        list[5] = -1;
        Refused(File().With(".g_idx", "I32", [96], list), Gptq, "g_idx", "not -1");
        Refused(File().With(".g_idx", "I32", [95], new int[95]), Gptq, "g_idx", "[96]");
        Refused(File().With(".g_idx", "F32", [96], new float[96]), Gptq, "g_idx", "I32");
    }

    [Fact]
    public void Gptq_ShapesThatDoNotFit_AreRefused()
    {
        Refused(File().Without(".scales"), Gptq, "scales", "missing");
        Refused(File().Without(".qzeros"), Gptq, "qzeros", "missing");
        Refused(File().With(".qweight", "I32", [12, 63], new int[12 * 63]), Gptq, "qweight", "[12, 64]");
        Refused(File().With(".qweight", "I32", [12], new int[12]), Gptq, "qweight", "a matrix");
        Refused(File().With(".qweight", "F32", [12, 64], new float[12 * 64]), Gptq, "qweight", "I32");
        Refused(File().With(".qzeros", "I32", [3, 7], new int[21]), Gptq, "qzeros", "2, 3, 4 or 8 bits");
        Refused(File().With(".qzeros", "I32", [2, 8], new int[16]), Gptq, "qzeros", "[3, 8]");
        Refused(File().With(".scales", "F16", [0, 64], Array.Empty<Half>()), Gptq, "scales", "sizes from 1");
    }

    /// <summary>Five groups do not divide 96 inputs, and no size that config.json says makes five.</summary>
    [Fact]
    public void Gptq_GroupsThatDoNotDivide_AreRefused() => Refused(
        File().Without(".g_idx").With(".scales", "F16", [5, 64], new Half[320]).With(".qzeros", "I32", [5, 8], new int[40]), Gptq, "scales",
        "groups that divide 96 inputs");

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Scales_ThatAreNoNumbers_AreRefusedWhenTheyAreRead(float scale)
    {
        var scales = new Half[3 * 64];
        scales[70] = (Half)scale;
        using var file = File().With(".scales", "F16", [3, 64], scales);
        var tensors = file.Open(StoredFormTests.Config(Gptq));

        var numbers = Assert.Throws<InvalidDataException>(() => tensors.Read($"{FormFile.Module}.weight", 6 * 96, new float[96]));
        var codes = Assert.Throws<InvalidDataException>(
            () => tensors.ReadGrid($"{FormFile.Module}.weight", 6, new byte[96], new float[3], new float[3]));

        Assert.All(new[] { numbers, codes }, error =>
        {
            Assert.Contains("model.safetensors: tensor model.layers.0.mlp.up_proj.scales", error.Message, StringComparison.Ordinal);
            Assert.Contains("infinite or not a number", error.Message, StringComparison.Ordinal);
        });
    }

    /// <summary>A scale of zero is a group of zeros, as the definition has it; no form divides by one.</summary>
    [Fact]
    public void Scales_OfZero_AreWeightsOfZero()
    {
        using var file = File().With(".scales", "F16", [3, 64], new Half[3 * 64]);
        var tensors = file.Open(StoredFormTests.Config(Gptq));
        var row = new float[96];

        tensors.Read($"{FormFile.Module}.weight", 96, row);

        Assert.All(row, weight => Assert.Equal(0, weight));
    }

    [Fact]
    public void Compressed_ShapesThatDoNotFit_AreRefused()
    {
        var config = Compressed();
        Refused(Packed().With(".weight_shape", "I64", [2], [40L, 1L << 40]), config, "weight_shape", "sizes from 1");
        Refused(Packed().With(".weight_shape", "I64", [2], [-40L, 96L]), config, "weight_shape", "sizes from 1");
        Refused(Packed().With(".weight_shape", "I64", [2], [40L, 97L]), config, "weight_packed", "97 codes a row");
        Refused(Packed().With(".weight_shape", "I64", [3], [40L, 96L, 1L]), config, "weight_shape", "[2]");
        Refused(Packed().With(".weight_zero_point", "I32", [4, 3], new int[12]), config, "weight_zero_point", "[5, 3]");
        Refused(Packed().With(".weight_scale", "F16", [39, 3], new Half[117]), config, "weight_scale", "[40, groups]");
        Refused(Packed().With(".weight_g_idx", "I32", [96], Enumerable.Repeat(7, 96).ToArray()), config, "weight_g_idx", "not 7");
    }

    [Theory]
    [InlineData(0f, "is 0")]
    [InlineData(float.NaN, "not a number")]
    public void Nvfp4_GlobalScaleThatIsNone_IsRefused(float scale, string said) => Refused(
        new FormFile().Add(".weight_packed", "U8", [8, 16], new byte[128]).Add(".weight_scale", "F8_E4M3", [8, 2], new byte[16])
            .Add(".weight_global_scale", "F32", [1], [scale]),
        Compressed(), "weight_global_scale", said);

    [Theory]
    [InlineData("{\"blocksize\":", "no quantisation state")]
    [InlineData("""{"blocksize":64}""", "no quantisation state")]
    [InlineData("""{"blocksize":0,"shape":[8,64]}""", "sizes from 1")]
    [InlineData("""{"blocksize":64,"shape":[8,-64]}""", "sizes from 1")]
    [InlineData("""{"blocksize":64,"shape":[8]}""", "the shape of a matrix")]
    [InlineData("""{"blocksize":"64","shape":[8,64]}""", "no quantisation state")]
    [InlineData("""{"blocksize":64,"shape":[16,64]}""", "two codes a byte")]
    public void BitsAndBytes_StateThatIsNone_IsRefused(string state, string said)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(state);
        Refused(
            new FormFile().Add(".weight", "U8", [256, 1], new byte[256]).Add(".weight.absmax", "F32", [8], new float[8])
                .Add(".weight.quant_map", "F32", [16], Enumerable.Range(1, 16).Select(i => i / 16f).ToArray())
                .Add(".weight.quant_state.bitsandbytes__nf4", "U8", [bytes.Length], bytes),
            Bnb, "weight", said);
    }

    [Fact]
    public void BitsAndBytes_OrderOfADevice_IsRefused() => Refused(
        new FormFile().Add(".weight", "I8", [8, 64], new byte[512]).Add(".SCB", "F32", [8], new float[8])
            .Add(".weight_format", "U8", [], new byte[] { 1 }),
        Bnb, "weight_format", "rows");

    [Theory]
    [InlineData("""{"quantization":{"group_size":64,"bits":4}}""", "weight", "4 bits in groups of 64")]
    [InlineData("""{"quantization":{"group_size":32,"bits":8}}""", "weight", "8 bits in groups of 32")]
    [InlineData("""{"quantization":{"group_size":32,"bits":7}}""", "config.json: quantization.bits", "is 7")]
    [InlineData("""{"quantization":{"group_size":0,"bits":4}}""", "config.json: quantization.group_size", "is 0")]
    [InlineData("""{"quantization":{"group_size":32,"bits":4,"mode":"mxfp8"}}""", "config.json: quantization.mode", "mxfp8")]
    public void Mlx_BitsThatDoNotFit_AreRefused(string config, string named, string said)
    {
        using var file = StoredFormTests.Mlx(new FormMatrix(8, 64, 32, 4));
        var message = Assert.Throws<InvalidDataException>(() => file.Open(config)).Message;
        Assert.Contains(named, message, StringComparison.Ordinal);
        Assert.Contains(said, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"quant_method":"hqq"}""", "quant_method is \"hqq\"")]
    [InlineData("""{"quant_method":"gptq","checkpoint_format":"marlin"}""", "checkpoint_format is \"marlin\"")]
    [InlineData("""{"quant_method":"awq","version":"gemv"}""", "version is \"gemv\"")]
    [InlineData("""{"quant_method":"awq","bits":8}""", "bits is 8")]
    [InlineData("""{"quant_method":"compressed-tensors","format":"marlin-24"}""", "format is \"marlin-24\"")]
    [InlineData("""{"quant_method":"compressed-tensors","sparsity_config":{"format":"sparse-24-bitmask"}}""", "sparse-24-bitmask")]
    [InlineData("""{"quant_method":"fp8","weight_block_size":[128]}""", "weight_block_size")]
    [InlineData("""{"load_in_4bit":true}""", "without quant_method")]
    public void Configuration_OfWhatIsNotRead_IsRefusedByName(string form, string said)
    {
        using var file = new FormFile().Add(".weight", "F32", [1], [1f]);
        var message = Assert.Throws<InvalidDataException>(() => file.Open(StoredFormTests.Config(form))).Message;
        Assert.Contains($"config.json: quantization_config", message, StringComparison.Ordinal);
        Assert.Contains(said, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Configuration_OfWhatIsNotRead_SaysWhatToFetch()
    {
        using var file = new FormFile().Add(".weight", "F32", [1], [1f]);
        var message = Assert.Throws<InvalidDataException>(() => file.Open(StoredFormTests.Config("""{"quant_method":"aqlm"}"""))).Message;
        Assert.Contains("fetch the model in one of these forms, as a GGUF file", message, StringComparison.Ordinal);
    }

    private static FormFile File() => StoredFormTests.Gptq(new FormMatrix(64, 96, 32, 4), isFirst: true);

    private static FormFile Packed() => StoredFormTests.Packed(new FormMatrix(40, 96, 32, 4), isSymmetric: false);

    private static string Compressed() =>
        """{"quant_method":"compressed-tensors","config_groups":{"group_0":{"weights":{"num_bits":4,"group_size":32}}}}""";

    private static void Refused(FormFile file, string form, string tensor, string said)
    {
        using (file)
        {
            var message = Assert.Throws<InvalidDataException>(() => file.Open(StoredFormTests.Config(form))).Message;
            Assert.Contains($"tensor {FormFile.Module}.{tensor}", message, StringComparison.Ordinal);
            Assert.Contains(said, message, StringComparison.Ordinal);
        }
    }
}
