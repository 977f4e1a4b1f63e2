using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Parley.Embedded.Memory;

namespace Parley.Embedded.Tests.Memory;

/// <summary>Connections in memory behave as those of sockets where servers and clients count on it.</summary>
public sealed class MemoryNetworkTests
{
    private readonly MemoryNetwork _network = new();

    [Fact]
    public void Bind_OfPlaces_IsOfMemoryAlone()
    {
        Assert.True(_network.CanBind(new MemoryEndPoint("one")));
        Assert.False(_network.CanBind(new IPEndPoint(IPAddress.Loopback, 0)));
    }

    [Fact]
    public async Task Bind_Twice_IsRefusedUntilTheFirstIsGone()
    {
        await using var first = await _network.BindAsync(new MemoryEndPoint("one"));
        await Assert.ThrowsAsync<AddressInUseException>(async () => await _network.BindAsync(new MemoryEndPoint("one")));
        await first.UnbindAsync();
        await using var second = await _network.BindAsync(new MemoryEndPoint("one"));
        Assert.Null(await first.AcceptAsync());
    }

    [Fact]
    public async Task Connect_WhereNobodyListens_IsRefused()
    {
        using var client = new HttpClient(_network.CreateHandler());

        var fault = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(new Uri("http://nobody/")));

        Assert.Equal(SocketError.ConnectionRefused, Assert.IsType<SocketException>(fault.InnerException).SocketErrorCode);
    }

    [Fact]
    public async Task Bytes_InBothDirections_Arrive()
    {
        var (client, server) = await ConnectAsync();

        await client.WriteAsync(Encoding.UTF8.GetBytes("hello"));
        var read = await server.Transport.Input.ReadAtLeastAsync(5);
        Assert.Equal("hello", Encoding.UTF8.GetString(read.Buffer));
        server.Transport.Input.AdvanceTo(read.Buffer.End);
        await server.Transport.Output.WriteAsync(Encoding.UTF8.GetBytes("world"));
        var answer = new byte[3];
        await client.ReadExactlyAsync(answer);
        Assert.Equal("wor", Encoding.UTF8.GetString(answer));
        await server.DisposeAsync();
        Assert.Equal(2, await client.ReadAsync(new byte[10]));
        Assert.Equal(0, await client.ReadAsync(new byte[10]));
        await Assert.ThrowsAsync<IOException>(() => client.WriteAsync(new byte[1]).AsTask());
    }

    [Fact]
    public async Task Write_ThatNobodyReads_WaitsAndGoesOn()
    {
        var (client, server) = await ConnectAsync();
        var block = new byte[1 << 18];
        Task write;
        var written = 0;
        do
        {
            write = client.WriteAsync(block).AsTask();
            written += block.Length;
        }
        while (write.IsCompleted && written < 64 << 20);

        Assert.False(write.IsCompleted);
        var read = await server.Transport.Input.ReadAsync();
        server.Transport.Input.AdvanceTo(read.Buffer.End);
        await write;
        Assert.InRange(written, block.Length, 2 << 20);
    }

    /// <summary>HTTP's client closes its stream while it reads from it.</summary>
    [Fact]
    public async Task Close_OfTheClient_WakesItsReaderAndTellsTheServer()
    {
        var (client, server) = await ConnectAsync();
        var closed = new TaskCompletionSource();
        await using var registration = server.ConnectionClosed.Register(closed.SetResult);
        var read = client.ReadAsync(new byte[1]).AsTask();

        await client.DisposeAsync();

        await Assert.ThrowsAsync<IOException>(() => read);
        await Assert.ThrowsAsync<IOException>(() => client.ReadAsync(new byte[1]).AsTask());
        Assert.True((await server.Transport.Input.ReadAsync()).IsCompleted);
        Assert.True((await server.Transport.Output.FlushAsync()).IsCompleted);
        await closed.Task;
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Abort_OfTheServer_WakesBothEnds()
    {
        var (client, server) = await ConnectAsync();
        var reads = (Client: client.ReadAsync(new byte[1]).AsTask(), Server: server.Transport.Input.ReadAsync().AsTask());

        server.Abort(new ConnectionAbortedException("too slow"));

        var fault = await Assert.ThrowsAsync<IOException>(() => reads.Client);
        Assert.Equal("too slow", fault.InnerException!.Message);
        Assert.True((await reads.Server).IsCanceled);
        await Assert.ThrowsAsync<IOException>(() => client.WriteAsync(new byte[1]).AsTask());
        await server.DisposeAsync();
    }

    [Fact]
    public async Task Stop_BeforeAConnectionIsAccepted_BreaksItOff()
    {
        var listener = (MemoryListener)await _network.BindAsync(new MemoryEndPoint("one"));
        var client = await listener.ConnectAsync(CancellationToken.None);

        await listener.UnbindAsync();

        await Assert.ThrowsAsync<IOException>(() => client.ReadAsync(new byte[1]).AsTask());
        await Assert.ThrowsAsync<SocketException>(() => listener.ConnectAsync(CancellationToken.None).AsTask());
    }

    private async Task<(Stream Client, ConnectionContext Server)> ConnectAsync()
    {
        var listener = (MemoryListener)await _network.BindAsync(new MemoryEndPoint("one"));
        var client = await listener.ConnectAsync(CancellationToken.None);
        return (client, (await listener.AcceptAsync())!);
    }
}
