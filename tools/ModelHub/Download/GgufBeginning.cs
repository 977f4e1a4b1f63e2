using System.Net;
using Parley.ModelHub.Protocol;

namespace Parley.ModelHub.Download;

/// <summary>The first bytes of a GGUF file on the Hub, where its header says what it is.</summary>
public sealed class GgufBeginning
{
    private readonly HubRequests _requests;
    private readonly HubLocation _location;
    private readonly HubFile _file;
    private byte[] _known = [];

    internal GgufBeginning(HubRequests requests, HubLocation location, HubFile file)
    {
        (_requests, _location, _file) = (requests, location, file);
    }

    /// <summary>The file's path in its repository.</summary>
    public string Name => _file.Path;

    /// <summary>Length of the whole file.</summary>
    public long Bytes => _file.Bytes;

    /// <summary>Reads from the file's beginning; what was read before is not asked for again.</summary>
    /// <param name="count">How many bytes, at most the file's length.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="HubException">They could not be had.</exception>
    public async Task<ReadOnlyMemory<byte>> ReadAsync(int count, CancellationToken cancellationToken)
    {
        var buffer = new byte[Math.Min(count, _file.Bytes)];
        var known = Math.Min(_known.Length, buffer.Length);
        _known.AsSpan(0, known).CopyTo(buffer);
        for (var attempt = 1; known < buffer.Length; attempt++)
        {
            using var response = await _requests.GetAsync(_location, (known, buffer.Length - 1), [], cancellationToken);
            try
            {
                await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
                // A server that knows no ranges sends the whole.
                var rest = response.StatusCode == HttpStatusCode.PartialContent ? buffer.AsMemory(known) : buffer;
                await body.ReadExactlyAsync(rest, cancellationToken);
                known = buffer.Length;
            }
            catch (Exception exception) when (exception is IOException or HttpRequestException)
            {
                var failure = new HubException(HubFailure.Unreachable, $"{_file.Path}: the connection broke off", exception);
                await _requests.WaitAsync(failure, attempt, null, cancellationToken);
            }
        }

        _known = buffer;
        return buffer;
    }
}
