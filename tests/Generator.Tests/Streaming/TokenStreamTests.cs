using Microsoft.Extensions.Logging.Abstractions;
using Parley.Generator.Sequences;
using Parley.Generator.Streaming;

namespace Parley.Generator.Tests.Streaming;

public sealed class TokenStreamTests
{
    private static readonly SequenceEnd End = new(
        FinishReason.Eos, null, 1, "", Retryable: false, new SequenceUsage(1, 0, 1), new SequenceTimings(default, default, default));

    [Fact]
    public async Task Wait_BeforeAToken_GoesOnWhenItIsWokenAndNotBefore()
    {
        var stream = new TokenStream(4);
        var wait = stream.WaitAsync();
        Assert.False(wait.IsCompleted);
        stream.Wake();
        Assert.False(wait.IsCompleted);
        Assert.True(stream.Write(new StreamedToken(7, null)));
        Assert.False(wait.IsCompleted);
        stream.Wake();
        Assert.True(await wait);
        Assert.Equal([7u], Read(stream));
    }

    [Fact]
    public async Task Write_WithNobodyWaiting_WakesNobodyAndIsFoundByTheNextWait()
    {
        var stream = new TokenStream(4);
        Assert.False(stream.Write(new StreamedToken(7, null)));
        Assert.False(stream.Complete(End));
        Assert.True(await stream.WaitAsync());
        Assert.Equal([7u], Read(stream));
        Assert.False(await stream.WaitAsync());
        Assert.Same(End, stream.End);
        Assert.Throws<InvalidOperationException>(() => stream.Complete(End));
        Assert.Throws<InvalidOperationException>(() => stream.Write(new StreamedToken(8, null)));
    }

    [Fact]
    public void Write_IntoAFullStream_IsRefusedUntilTheReaderMadeRoom()
    {
        var roomMade = 0;
        var stream = new TokenStream(2, () => roomMade++);
        stream.Write(new StreamedToken(1, null));
        Assert.False(stream.IsFull);
        stream.Write(new StreamedToken(2, null));
        Assert.Throws<InvalidOperationException>(() => stream.Write(new StreamedToken(3, null)));
        Assert.True(stream.IsFull);
        Assert.Equal(0, stream.Room);
        Read(stream);
        Assert.Equal((1, 2, false), (roomMade, stream.Room, stream.IsFull));
        Read(stream);
        Assert.Equal(1, roomMade);
    }

    [Fact]
    public async Task Leave_WhileWaitingOrBefore_EndsTheWait()
    {
        using var left = new CancellationTokenSource();
        var stream = new TokenStream(2);
        var wait = stream.WaitAsync();
        await left.CancelAsync();
        stream.Leave(left.Token);
        stream.Wake();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await wait);
        Assert.False(stream.Write(new StreamedToken(1, null)));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await stream.WaitAsync());
    }

    /// <summary>Readers wait, read and wait again while a writer goes on as fast as it can: no wake is lost, no token either.</summary>
    [Fact]
    public async Task Delivery_ManyStreamsAtFullSpeed_LosesNoTokenAndNoEnd()
    {
        const int tokens = 2000;
        var streams = Enumerable.Range(0, 16).Select(_ => new TokenStream(64)).ToArray();
        var readers = streams.Select(async stream =>
        {
            var ids = new List<uint>();
            while (await stream.WaitAsync())
                ids.AddRange(Read(stream));
            return ids;
        }).ToArray();
        await Task.Run(() =>
        {
            var delivery = new TokenDelivery(streams.Length, NullLogger.Instance);
            var written = new uint[streams.Length];
            while (written.Any(count => count <= tokens))
            {
                for (var i = 0; i < streams.Length; i++)
                {
                    if (written[i] > tokens || streams[i].IsFull)
                        continue;
                    var waits = written[i] == tokens ? streams[i].Complete(End) : streams[i].Write(new StreamedToken(written[i], null));
                    written[i]++;
                    if (waits)
                        delivery.Add(streams[i]);
                }

                delivery.Post();
            }
        });
        var expected = Enumerable.Range(0, tokens).Select(i => (uint)i);
        Assert.All(await Task.WhenAll(readers), ids => Assert.Equal(expected, ids));
    }

    private static uint[] Read(TokenStream stream)
    {
        var tokens = new List<StreamedToken>();
        stream.ReadReady(tokens);
        return [.. tokens.Select(token => token.Id)];
    }
}
