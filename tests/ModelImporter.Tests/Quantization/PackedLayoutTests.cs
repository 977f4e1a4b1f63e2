using Parley.PackageFormat;

namespace Parley.ModelImporter.Tests.Quantization;

/// <summary>Both ways into the layout are one.</summary>
public sealed class PackedLayoutTests
{
    private const int Inputs = 96;

    [Fact]
    public void PackBytes_OfCodesOfEightBits_IsPackOfBothNibbles()
    {
        var codes = Codes(255);
        for (var lane = 0; lane < QuantizedLinearLayout.BlockOutputs; lane++)
        {
            var (high, low, highBack, lowBack) = (Block(), Block(), new byte[Inputs], new byte[Inputs]);
            QuantizedLinearLayout.PackBytes(codes, lane, high, low);
            QuantizedLinearLayout.Unpack(high, lane, highBack);
            QuantizedLinearLayout.Unpack(low, lane, lowBack);

            Assert.Equal(codes, highBack.Zip(lowBack, (h, l) => (byte)((h << 4) | l)));
        }
    }

    private static byte[] Block() => new byte[QuantizedLinearLayout.BlockBytes(Inputs)];

    private static byte[] Codes(int largest) => [.. Enumerable.Range(0, Inputs).Select(i => (byte)(i * 37 % (largest + 1)))];
}
