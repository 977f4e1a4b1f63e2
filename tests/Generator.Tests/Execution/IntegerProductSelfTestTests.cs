using System.Runtime.Intrinsics.X86;
using Parley.Generator.Execution;

namespace Parley.Generator.Tests.Execution;

/// <summary>w8a8 is refused by name where its products would saturate, and only there.</summary>
public sealed class IntegerProductSelfTestTests
{
    [Fact]
    public void IsExact_OnAProcessorWithVnni_IsTrue()
    {
        Assert.SkipUnless(AvxVnni.IsSupported, "AVX-VNNI is missing.");

        Assert.True(IntegerProductSelfTest.IsExact);
    }

    [Fact]
    public void Require_W8A8OnASaturatingProcessor_NamesPackageAndFix()
    {
        var exception = Assert.Throws<NotSupportedException>(() => IntegerProductSelfTest.Require("w8a8", "/models/m", () => false));

        Assert.Contains("/models/m", exception.Message, StringComparison.Ordinal);
        Assert.Contains("--precision int8", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Require_OtherPrecisions_DoNotAsk() =>
        IntegerProductSelfTest.Require("int8", "/models/m", () => throw new InvalidOperationException("asked"));
}
