using System.Text;
using CsCheck;
using Parley.Gateway.ResponsesApi;

namespace Parley.Gateway.Tests.ResponsesApi;

public sealed class CompactedTextTests
{
    [Fact]
    public void Text_WrittenAndRead_IsTheSame() => Gen.Int[0, 0xD7FF].Array[0, 40].Sample(runes =>
    {
        var text = string.Concat(runes.Select(rune => new Rune(rune).ToString()));
        Assert.Equal(text, CompactedText.Read(CompactedText.Write(text)));
    });

    [Fact]
    public void Read_AnyText_IsATextOrNone() => Gen.String.Sample(text =>
    {
        _ = CompactedText.Read(text);
        _ = CompactedText.Read("parley1." + text);
    });

    [Theory]
    [InlineData("")]
    [InlineData("parley1")]
    [InlineData("parley2.YQ")]
    [InlineData("gAAAAABn")]
    // Half of a character.
    [InlineData("parley1.w")]
    [InlineData("parley1.w7")]
    [InlineData("parley1.ww")]
    public void Read_WhatIsNoneOfOurs_IsNone(string content) => Assert.Null(CompactedText.Read(content));
}
