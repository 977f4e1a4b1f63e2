using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Graph;

namespace Parley.ModelImporter.Tests.Graph;

public sealed class RotaryTablesTests
{
    [Fact]
    public void Frequencies_WithoutScaling_FollowTheFormula()
    {
        var frequencies = RotaryTables.InverseFrequencies(new RotarySettings(10_000, RotaryScaling.None), 64);

        Assert.Equal(32, frequencies.Length);
        Assert.Equal(1, frequencies[0]);
        Assert.Equal((float)Math.Pow(10_000, -62.0 / 64), frequencies[31]);
    }

    [Fact]
    public void Frequencies_Linear_AreDividedByTheFactor()
    {
        var plain = RotaryTables.InverseFrequencies(new RotarySettings(10_000, RotaryScaling.None), 64);
        var linear = RotaryTables.InverseFrequencies(new RotarySettings(10_000, RotaryScaling.Linear, 4), 64);
        Assert.Equal(plain.Select(frequency => frequency / 4), linear);
    }

    /// <summary>Llama 3.2: short wavelengths are kept, long ones divided by 32, a ramp between.</summary>
    [Fact]
    public void Frequencies_Llama3_AreKeptOrDividedOrBetween()
    {
        var plain = RotaryTables.InverseFrequencies(new RotarySettings(500_000, RotaryScaling.None), 64);
        var scaled = RotaryTables.InverseFrequencies(new RotarySettings(500_000, RotaryScaling.Llama3, 32, 1, 4, 8192), 64);
        for (var j = 0; j < plain.Length; j++)
        {
            var wavelength = 2 * Math.PI / plain[j];
            if (wavelength < 2048)
                Assert.Equal(plain[j], scaled[j]);
            else if (wavelength > 8192)
                Assert.Equal(plain[j] / 32, scaled[j], plain[j] * 1e-6);
            else
                Assert.InRange(scaled[j], plain[j] / 32, plain[j]);
        }

        Assert.Equal(plain[0], scaled[0]);
        Assert.Equal(plain[31] / 32, scaled[31], 1e-12);
        Assert.Contains(Enumerable.Range(0, 32), j => scaled[j] < plain[j] && scaled[j] > plain[j] / 31);
    }

    [Fact]
    public void Tables_OfAPosition_AreCosineAndSineOfTheAngle()
    {
        var (cosines, sines) = (new float[2], new float[2]);
        RotaryTables.Fill([1f, 0.25f], 1, 3, cosines, sines);
        Assert.Equal([(float)Math.Cos(3), (float)Math.Cos(0.75)], cosines);
        Assert.Equal([(float)Math.Sin(3), (float)Math.Sin(0.75)], sines);
    }
}
