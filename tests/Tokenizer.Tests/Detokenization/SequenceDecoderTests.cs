using CsCheck;
using Parley.Tokenizer.Detokenization;
using Parley.TokenizerFormat;
using static Parley.Tokenizer.Tests.Doubles.FallbackVocabulary;

namespace Parley.Tokenizer.Tests.Detokenization;

/// <summary>Continued texts, ids without a token, and stops: values of tokenizers 0.23.3 (<c>DecodeStream(ids=prefix)</c>).</summary>
public sealed class SequenceDecoderTests
{
    private static readonly TokenTable Strip = Tokens(StripDecoder);

    [Theory]
    [InlineData("strip", true, new uint[0], new uint[] { Paris }, "Paris")]
    [InlineData("strip", true, new uint[] { The, Is }, new uint[] { Paris }, " Paris")]
    [InlineData("strip", true, new uint[] { Begin }, new uint[] { Paris }, "Paris")]
    [InlineData("strip", false, new uint[] { Begin }, new uint[] { Paris }, " Paris")]
    [InlineData("strip", true, new uint[] { Space }, new uint[] { Paris }, " Paris")]
    [InlineData("strip", true, new uint[] { The }, new uint[] { Space, Is }, "  is")]
    [InlineData("strip", true, new uint[] { The }, new uint[] { 999, 300, Paris }, " Paris")]
    [InlineData("strip", true, new uint[0], new uint[] { 70_000, uint.MaxValue, Is }, "is")]
    [InlineData("strip", true, new uint[] { The, 0xE4, 0xBD, 0xA0 }, new uint[] { 0xE5, 0xA5, 0xBD, Paris }, "好 Paris")]
    [InlineData("always", true, new uint[0], new uint[] { SpacedLetters }, "ab")]
    [InlineData("always", true, new uint[] { The }, new uint[] { SpacedLetters }, " a b")]
    [InlineData("first", true, new uint[0], new uint[] { Paris }, "Paris")]
    [InlineData("first", true, new uint[] { The, Is }, new uint[] { Paris }, " Paris")]
    [InlineData("never", true, new uint[0], new uint[] { Paris }, " Paris")]
    [InlineData("none", true, new uint[0], new uint[] { Is, 5_000, Paris }, "▁is ▁Paris")]
    [InlineData("none", true, new uint[] { The }, new uint[] { Space, Is }, " ▁ ▁is")]
    public void Append_AfterAPrefix_EqualsDecodeStream(string decoder, bool skip, uint[] prefix, uint[] ids, string expected)
    {
        var tokens = decoder == "none" ? Tokens(null) : decoder == "strip" ? Strip : Tokens(Metaspace(decoder));
        var sequence = new SequenceDecoder(tokens, new SequenceSettings([], skip, IncludeStop: false, prefix, 0), 64);
        Assert.Equal(expected, string.Concat(ids.Select(id => sequence.Append([id]).Text)) + sequence.End().Text);
        // Looking for a stop changes nothing.
        sequence = new SequenceDecoder(tokens, new SequenceSettings(["?", "<|user"], skip, IncludeStop: false, prefix, 0), 64);
        Assert.Equal(expected, sequence.Append(ids).Text + sequence.End().Text);
    }

    [Theory]
    [InlineData(new string[0], new uint[] { X, User, X }, "x<|user|>x", "1+8")]
    [InlineData(new string[0], new uint[] { Begin, User, X }, "<s><|user|>x", "0+3 3+8")]
    [InlineData(new[] { "never" }, new uint[] { X, X, User }, "xx<|user|>", "2+8")]
    [InlineData(new[] { "<|user|>" }, new uint[] { X, Begin, User, X }, "x<s>", "1+3")]
    public void Append_MarkingSpecialTokens_ShowsThemAndSaysWhere(string[] stops, uint[] ids, string expected, string ranges)
    {
        foreach (var batch in (int[])[1, 2, ids.Length])
        {
            var settings = new SequenceSettings(stops, SkipSpecialTokens: true, IncludeStop: false, [], 0, MarksSpecialTokens: true);
            var sequence = new SequenceDecoder(Strip, settings, 64);
            var text = "";
            var marks = new List<string>();
            foreach (var part in ids.Chunk(batch))
            {
                if (!sequence.IsFinal)
                    Add(sequence.Append(part));
            }

            if (!sequence.IsFinal)
                Add(sequence.End());
            Assert.Equal((expected, ranges), (text, string.Join(' ', marks)));

            void Add(DetokenizeUpdate update)
            {
                marks.AddRange(update.Special!.Select(range => $"{text.Length + range.Start}+{range.Length}"));
                text += update.Text;
            }
        }
    }

    [Theory]
    // Special tokens that are skipped are seen, alone and with text on either side.
    [InlineData(new[] { "<|user|>" }, new uint[] { User, X }, "", 1, "<|user|>")]
    [InlineData(new[] { "|us" }, new uint[] { X, User, X }, "x", 2, "|us")]
    [InlineData(new[] { "x<|user|>" }, new uint[] { X, X, User }, "x", 3, "x<|user|>")]
    [InlineData(new[] { "s|>x" }, new uint[] { Begin, User, X }, "x", null, null)]
    [InlineData(new[] { "r|>x" }, new uint[] { Begin, User, X, X }, "", 3, "r|>x")]
    [InlineData(new[] { "<s><|user|>" }, new uint[] { X, Begin, User }, "x", 3, "<s><|user|>")]
    // Text on both sides of one is not one text.
    [InlineData(new[] { "xx" }, new uint[] { X, User, X }, "xx", null, null)]
    // What was held back is text after all.
    [InlineData(new[] { "<|user|>x" }, new uint[] { X, User, Is }, "x is", null, null)]
    [InlineData(new[] { "<|user|>x" }, new uint[] { X, User }, "x", null, null)]
    // The first space, which readers do not see.
    [InlineData(new[] { " is" }, new uint[] { Is, X }, "", 1, " is")]
    [InlineData(new[] { "is" }, new uint[] { Is, X }, "", 1, "is")]
    // The first to be complete, and of several there the longest.
    [InlineData(new[] { "Paris", "ar", "Par" }, new uint[] { X, Paris }, "x ", 2, "Par")]
    [InlineData(new[] { "s", "xx" }, new uint[] { X, X, Is }, "", 2, "xx")]
    // In a run of byte tokens that is held back, and after a special token within it.
    [InlineData(new[] { "<|user|>B" }, new uint[] { 'A', User, 'B', X }, "A", 3, "<|user|>B")]
    [InlineData(new[] { "A<|user|>" }, new uint[] { 'A', User, 'B', X }, "", 2, "A<|user|>")]
    [InlineData(new[] { "你<" }, new uint[] { 0xE4, 0xBD, User, 0xA0 }, "你", null, null)]
    public void Append_Stops_AreFoundInAllOfTheText(string[] stops, uint[] ids, string expected, int? tokensRead, string? stop)
    {
        foreach (var batch in (int[])[1, 2, ids.Length])
        {
            foreach (var include in (bool[])[false, true])
            {
                var sequence = new SequenceDecoder(Strip, new SequenceSettings(stops, true, include, [], 0), 64);
                var update = default(DetokenizeUpdate);
                var text = "";
                foreach (var part in ids.Chunk(batch))
                {
                    update = sequence.Append(part);
                    text += update.Text;
                    if (update.IsFinal)
                        break;
                }

                if (!update.IsFinal)
                {
                    update = sequence.End();
                    text += update.Text;
                }

                Assert.Equal(expected + (include ? stop : ""), text);
                Assert.Equal((stop, tokensRead ?? ids.Length, true), (update.Stop, update.TokensRead, update.IsFinal));
            }
        }
    }

    [Theory]
    // vLLM's rule: a stop counts that is complete after so many tokens, wherever it begins.
    [InlineData(2, new uint[] { X, X, X, X }, "xx", 3)]
    [InlineData(0, new uint[] { X, X, X, X }, "", 1)]
    [InlineData(4, new uint[] { X, X, X, X }, "xxxx", null)]
    public void Append_StopWithinMinTokens_IsText(int minTokens, uint[] ids, string expected, int? tokensRead)
    {
        var sequence = new SequenceDecoder(Strip, new SequenceSettings(["x"], true, IncludeStop: false, [], minTokens), 64);
        var text = "";
        var read = 0;
        var stopped = false;
        foreach (var id in ids)
        {
            var update = sequence.Append([id]);
            (text, read, stopped) = (text + update.Text, update.TokensRead, update.IsFinal);
            if (stopped)
                break;
        }

        text += stopped ? "" : sequence.End().Text;
        Assert.Equal((expected, tokensRead), (text, stopped ? read : null));
    }

    [Fact]
    public void Append_StopAcrossMinTokens_EndsTheTextBeforeIt()
    {
        var sequence = new SequenceDecoder(Strip, new SequenceSettings(["xx", "xis"], true, IncludeStop: false, [], 2), 64);
        Assert.Equal("x", sequence.Append([X, X]).Text);
        Assert.Equal(("", 3, "xx"), Short(sequence.Append([X])));
    }

    [Fact]
    public void Append_AnyIdsAnyStops_ShowsWhatTheWholeDecodesTo() =>
        Gen.Select(Gen.OneOf(Gen.UInt[256, 264], Gen.UInt[0x41, 0x44], Gen.UInt[0, 400]).Array[0, 30], Gen.Int[1, 5]).Sample((ids, cut) =>
        {
            var whole = BatchDecoder.Decode(Strip, [.. ids.Select(id => (int)id)], skipSpecialTokens: true);
            // A stop that never comes: everything is held back for a while somewhere, and nothing is lost.
            string[] stops = ["<s>x is a\uE000", "BC\uE000", " \uE000"];
            var sequence = new SequenceDecoder(Strip, new SequenceSettings(stops, true, IncludeStop: false, [], 0), 64);
            Assert.Equal(whole, string.Concat(ids.Chunk(cut).Select(part => sequence.Append(part).Text)) + sequence.End().Text);
        }, iter: 5_000);

    private static (string, int, string?) Short(DetokenizeUpdate update) => (update.Text, update.TokensRead, update.Stop);
}
