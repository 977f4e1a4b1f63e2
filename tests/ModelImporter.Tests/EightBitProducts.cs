using Parley.Generator.Execution;

namespace Parley.ModelImporter.Tests;

/// <summary>Whether <c>w8a8</c> can be right on this processor: without VNNI its products saturate, and the Generator refuses it.</summary>
internal static class EightBitProducts
{
    public static bool AreExact => IntegerProductSelfTest.IsExact;

    /// <summary>Skips the test where they are not.</summary>
    /// <param name="precision">That of the test's package; the others do not mind.</param>
    public static void SkipUnlessExact(string precision = "w8a8") => Assert.SkipUnless(
        precision != "w8a8" || AreExact, "8-bit products saturate on this processor, so w8a8 is refused by the Generator.");
}
