namespace Parley.ModelPackages.Tests;

public sealed class ModelSourceTests
{
    [Fact]
    public void OfPath_OfNothing_SaysSo()
    {
        var fault = Assert.Throws<FileNotFoundException>(() => ModelSource.OfPath("/nowhere/at/all"));

        Assert.Equal("/nowhere/at/all does not exist.", fault.Message);
    }

    [Theory]
    [InlineData("int8", false)]
    [InlineData("fp32", false)]
    [InlineData("int4", true)]
    public void CalibrationIds_OfAPrecision_AreForInt4Alone(string precision, bool isCalibrated)
    {
        var ids = DefaultRounding.CalibrationIds(TestSupport.Shared.DemoModel, precision);

        Assert.Equal(isCalibrated, ids is not null);
        Assert.True(ids is null || ids.Count <= DefaultRounding.CalibrationTokens);
    }
}
