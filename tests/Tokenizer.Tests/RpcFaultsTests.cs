using System.Text;
using Google.Rpc;
using Grpc.Core;
using Parley.ServiceDefaults;

namespace Parley.Tokenizer.Tests;

/// <summary>What is wrong with a request fits the trailers that say so: a client drops a connection whose headers are too long.</summary>
public sealed class RpcFaultsTests
{
    [Theory]
    [InlineData(1_000, "x")]
    [InlineData(1_000, "%")]
    [InlineData(1_000, "好")]
    [InlineData(1_000, "🙂")]
    [InlineData(1_000, "e\u0301")]
    [InlineData(1, "x")]
    [InlineData(2, "🙂")]
    [InlineData(16, "%")]
    public void Create_LongViolations_StayBelowFourKibibytes(int count, string unit)
    {
        foreach (var length in (int[])[1, 37, 5_000])
        {
            // Every offset of a cut within a character of up to four bytes.
            for (var shift = 0; shift < 4; shift++)
            {
                var text = new string('-', shift) + string.Concat(Enumerable.Repeat(unit, length));
                var exception = RpcFaults.Create(StatusCode.InvalidArgument, message: null,
                    Enumerable.Range(0, count).Select(i => ($"{text}[{i}]", text)), TimeSpan.FromSeconds(1));
                Assert.True(EncodedLength(exception) < 4_096, $"{EncodedLength(exception)} bytes");
                AssertWhole(exception.Status.Detail);
                var violations = exception.GetRpcStatus()!.GetDetail<BadRequest>().FieldViolations;
                Assert.InRange(violations.Count, 1, RpcFaults.ViolationsMax);
                Assert.All(violations, violation => AssertWhole(violation.Field + violation.Description));
                if (count == 1_000)
                    Assert.Equal($"Faults not listed, from this one on: {1_000 - violations.Count + 1}.", violations[^1].Description);
            }
        }
    }

    [Fact]
    public void Create_LongMessageBesideManyViolations_StaysBelowFourKibibytes()
    {
        var exception = RpcFaults.Create(StatusCode.ResourceExhausted, new string('好', 10_000),
            Enumerable.Range(0, 40).Select(i => ($"messages[{i}]", string.Concat(Enumerable.Repeat("🙂", 500)))), TimeSpan.FromSeconds(3));
        Assert.True(EncodedLength(exception) < 4_096, $"{EncodedLength(exception)} bytes");
        Assert.Equal(StatusCode.ResourceExhausted, exception.StatusCode);
        Assert.EndsWith("好…", exception.Status.Detail);
        Assert.Equal(3, exception.GetRpcStatus()!.GetDetail<RetryInfo>().RetryDelay.Seconds);
    }

    [Fact]
    public void Create_FewViolations_AreToldWhole()
    {
        var violations = Enumerable.Range(0, RpcFaults.ViolationsMax).Select(i => ($"stop[{i}]", "must not be empty")).ToArray();
        var exception = RpcFaults.Create(StatusCode.InvalidArgument, message: null, violations);
        Assert.Equal(violations, exception.GetRpcStatus()!.GetDetail<BadRequest>().FieldViolations
            .Select(violation => (violation.Field, violation.Description)));
        Assert.Equal(string.Join(" ", violations.Select(violation => $"{violation.Item1}: {violation.Item2}")), exception.Status.Detail);
        Assert.Null(exception.GetRpcStatus()!.GetDetail<RetryInfo>());
    }

    [Fact]
    public void Create_OneMoreThanAreListed_CountsTheLastTwo()
    {
        var violations = Enumerable.Range(0, RpcFaults.ViolationsMax + 1).Select(i => ($"stop[{i}]", "must not be empty"));
        var listed = RpcFaults.Create(StatusCode.InvalidArgument, "Bad stops.", violations)
            .GetRpcStatus()!.GetDetail<BadRequest>().FieldViolations;
        Assert.Equal(RpcFaults.ViolationsMax, listed.Count);
        Assert.Equal(("stop[14]", "must not be empty"), (listed[14].Field, listed[14].Description));
        Assert.Equal(("stop[15]", "Faults not listed, from this one on: 2."), (listed[15].Field, listed[15].Description));
    }

    [Fact]
    public void Create_ControlCharactersAndHalvesOfPairs_AreReplaced()
    {
        var exception = RpcFaults.Create(StatusCode.InvalidArgument, null, [("a\r\nb", "c\0\u001b[31m\u0085d \ud83d e\udc00")]);
        var violation = exception.GetRpcStatus()!.GetDetail<BadRequest>().FieldViolations.Single();
        Assert.Equal(("a  b", "c  [31m d \ufffd e\ufffd"), (violation.Field, violation.Description));
        Assert.Equal("a  b: c  [31m d \ufffd e\ufffd", exception.Status.Detail);
    }

    [Fact]
    public void Create_NoViolations_HasAMessageAlone()
    {
        var exception = RpcFaults.Create(StatusCode.Unavailable, "The service is draining.", []);
        Assert.Equal((StatusCode.Unavailable, "The service is draining."), (exception.StatusCode, exception.Status.Detail));
        Assert.Empty(exception.GetRpcStatus()!.Details);
    }

    private static void AssertWhole(string text) => Assert.DoesNotContain(text.EnumerateRunes(), rune => rune == Rune.ReplacementChar);

    // As they go over the wire: grpc-message percent-encoded, binary trailers in base64.
    private static int EncodedLength(RpcException exception)
    {
        var message = Encoding.UTF8.GetBytes(exception.Status.Detail).Sum(value => value is >= 0x20 and <= 0x7E and not 0x25 ? 1 : 3);
        return "grpc-message".Length + message + exception.Trailers.Sum(entry =>
            entry.Key.Length + (entry.IsBinary ? Convert.ToBase64String(entry.ValueBytes).Length : entry.Value.Length));
    }
}
