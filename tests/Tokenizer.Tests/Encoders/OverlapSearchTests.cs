using System.Text;
using Google.Rpc;
using Grpc.Core;
using Parley.TestSupport;
using Parley.Tokenizer.Encoders;
using Parley.Tokenizer.Tests.Doubles;
using Parley.Tokenizer.V1;
using Parley.TokenizerFormat;

namespace Parley.Tokenizer.Tests.Encoders;

/// <summary>The runs of ids in which a short text may stand.</summary>
public sealed class OverlapSearchTests
{
    [Theory]
    [InlineData("llama-tied-llama3rope", "\n")]
    [InlineData("llama-tied-llama3rope", ":")]
    [InlineData("llama-tied-llama3rope", "the ")]
    [InlineData("llama-tied-llama3rope", "\n\nThe")]
    [InlineData("llama-tied-llama3rope", "é")]
    public void Find_OfARealVocabulary_IsWhatADirectSearchOfEveryTokenFinds(string model, string text)
    {
        var tokenizer = new HuggingFaceTokenizer(TokenizerFile.Load(new ModelFolder(Shared.Fixture("hf", model))));
        var runs = new OverlapSearch(tokenizer).Find(text).Select(run => string.Join(' ', run)).ToList();

        var (wanted, expected) = (Encoding.UTF8.GetBytes(text), new List<string>());
        for (var id = 0; id < tokenizer.Tokens.Count; id++)
        {
            var token = tokenizer.Tokens.Bytes(id).ToArray();
            if (Enumerable.Range(0, token.Length).Any(start => token.AsSpan(start).StartsWith(wanted)))
            {
                expected.Add($"{id}");
                continue;
            }

            for (var start = 0; start < token.Length; start++)
            {
                var length = token.Length - start;
                if (length >= wanted.Length || !wanted.AsSpan().StartsWith(token.AsSpan(start)) || (wanted[length] & 0xC0) == 0x80)
                    continue;
                expected.Add(string.Join(' ', [id, .. tokenizer.Encode(Encoding.UTF8.GetString(wanted.AsSpan(length)))]));
            }
        }

        Assert.NotEmpty(runs);
        Assert.Equal(expected, runs);
        Assert.All(runs, run => Assert.Contains(
            text, Encoding.UTF8.GetString([.. run.Split(' ').SelectMany(id => tokenizer.Tokens.Bytes(int.Parse(id, null)).ToArray())]),
            StringComparison.Ordinal));
    }

    [Fact]
    public async Task FindOverlaps_TextsOutOfBounds_AreRefusedByPlaceAllAtOnce()
    {
        using var model = new SmallModel();
        await using var host = await TokenizerHost.StartAsync(model.Directory);
        var request = new FindOverlapsRequest { Texts = { "a", "", new string('x', 41) } };
        var fault = await Assert.ThrowsAsync<RpcException>(() => host.Client.FindOverlapsAsync(request).ResponseAsync);
        Assert.Equal(
            ["texts[1]", "texts[2]"],
            fault.GetRpcStatus()!.GetDetail<BadRequest>().FieldViolations.Select(violation => violation.Field));

        var many = new FindOverlapsRequest { Texts = { Enumerable.Repeat("a", 33) } };
        Assert.Equal(
            StatusCode.InvalidArgument,
            (await Assert.ThrowsAsync<RpcException>(() => host.Client.FindOverlapsAsync(many).ResponseAsync)).StatusCode);

        var runs = (await host.Client.FindOverlapsAsync(new FindOverlapsRequest { Texts = { "a" } })).Runs;
        Assert.Contains(runs, run => run.Ids.Count == 1);
    }
}
