using System.Buffers;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Parley.ModelHub.Protocol;

/// <summary>What the Hub says about a repository: commits and files. Everything it says is checked before it is used.</summary>
internal sealed partial class HubApi(HubRequests requests, HubSettings settings)
{
    private const int JsonBytesMax = 64 << 20;
    private const int FilesMax = 100_000;
    private const int PagesMax = 1000;
    private static readonly JsonDocumentOptions JsonOptions = new() { MaxDepth = 64, AllowDuplicateProperties = false };

    /// <summary>The commit that a branch or tag means now.</summary>
    public async Task<HubRevision> ResolveAsync(string repository, string revision, CancellationToken cancellationToken)
    {
        var uri = At($"api/models/{repository}/revision/{Uri.EscapeDataString(revision)}");
        using var json = (await ReadJsonAsync(uri, cancellationToken)).Document;
        var commit = Text(json.RootElement, "sha");
        if (commit is null || !Commit().IsMatch(commit))
            throw Dishonest(uri, "names no commit; is HF_ENDPOINT a Hub?");
        return new HubRevision(commit, Text(json.RootElement, "id") ?? repository);
    }

    /// <summary>All files of a commit, by path.</summary>
    public async Task<IReadOnlyList<HubFile>> ListAsync(string repository, string commit, CancellationToken cancellationToken)
    {
        var files = new SortedDictionary<string, HubFile>(StringComparer.Ordinal);
        var folded = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var uri = At($"api/models/{repository}/tree/{commit}?recursive=true&expand=false");
        for (var page = 0; uri is not null; page++)
        {
            var (document, next) = await ReadJsonAsync(uri, cancellationToken);
            using var json = document;
            if (json.RootElement.ValueKind != JsonValueKind.Array || page == PagesMax)
                throw Dishonest(uri, "is no list of files");
            foreach (var item in json.RootElement.EnumerateArray().Where(item => Text(item, "type") == "file"))
            {
                var file = ReadFile(uri, item);
                // Two names that one file system holds as one would overwrite each other.
                if (!folded.Add(file.Path) || files.Count == FilesMax)
                    throw Dishonest(uri, folded.Contains(file.Path) ? $"lists '{file.Path}' twice" : $"lists more than {FilesMax} files");
                files.Add(file.Path, file);
            }

            uri = next;
        }

        return [.. files.Values];
    }

    /// <summary>Where a file of a commit is to be had.</summary>
    public HubLocation Locate(string repository, string commit, string path) =>
        new(At($"{repository}/resolve/{commit}/{string.Join('/', path.Split('/').Select(Uri.EscapeDataString))}"));

    /// <summary>Models whose names hold some words, the most downloaded first.</summary>
    public async Task<IReadOnlyList<HubModel>> SearchAsync(string words, int count, CancellationToken cancellationToken)
    {
        var uri = At($"api/models?search={Uri.EscapeDataString(words)}&sort=downloads&direction=-1&limit={count}&filter=text-generation");
        using var json = (await ReadJsonAsync(uri, cancellationToken)).Document;
        if (json.RootElement.ValueKind != JsonValueKind.Array)
            throw Dishonest(uri, "is no list of models");
        return
        [
            .. json.RootElement.EnumerateArray().Take(count).Select(item => new HubModel(
                Text(item, "id") ?? "", Number(item, "downloads") ?? 0, Text(item, "lastModified") ?? "",
                item.ValueKind == JsonValueKind.Object && item.TryGetProperty("tags", out var tags) && tags.ValueKind == JsonValueKind.Array
                    && tags.EnumerateArray().Any(tag => tag.ValueKind == JsonValueKind.String && tag.ValueEquals("gguf"u8))))
                .Where(model => model.Name.Length > 0 && !model.Name.Any(char.IsControl)),
        ];
    }

    /// <summary>The account that a token belongs to.</summary>
    public async Task<string> WhoAmIAsync(CancellationToken cancellationToken)
    {
        var uri = At("api/whoami-v2");
        using var json = (await ReadJsonAsync(uri, cancellationToken)).Document;
        return Text(json.RootElement, "name") ?? throw Dishonest(uri, "names nobody");
    }

    private Uri At(string path) => new($"{settings.Endpoint.AbsoluteUri.TrimEnd('/')}/{path}");

    private HubFile ReadFile(Uri uri, JsonElement item)
    {
        var path = Text(item, "path") ?? "";
        if (!HubPath.IsSafe(path))
            throw Dishonest(uri, $"lists a file whose name no folder may hold: '{Shown(path)}'");
        var (bytes, blob) = (Number(item, "size") ?? -1, Text(item, "oid") ?? "");
        string? sha256 = null;
        if (item.TryGetProperty("lfs", out var lfs) && lfs.ValueKind == JsonValueKind.Object)
        {
            sha256 = Text(lfs, "oid") ?? "";
            bytes = Number(lfs, "size") ?? -1;
            if (!Sha256().IsMatch(sha256))
                throw Dishonest(uri, $"gives '{path}' a SHA-256 that is none");
        }

        if (bytes is < 0 or > HubFile.BytesMax || !Sha1().IsMatch(blob))
            throw Dishonest(uri, $"gives '{path}' no length or no id");
        var xet = Text(item, "xetHash");
        return new HubFile(path, bytes, blob, sha256, xet is not null && Sha256().IsMatch(xet) ? xet : null);
    }

    private async Task<(JsonDocument Document, Uri? Next)> ReadJsonAsync(Uri uri, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            using var response = await requests.GetAsync(new HubLocation(uri), null, [], cancellationToken);
            try
            {
                using var silence = new CancellationTokenSource(settings.SilenceMax);
                using var linked = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, cancellationToken);
                await using var body = await response.Content.ReadAsStreamAsync(linked.Token);
                var bytes = await ReadBoundedAsync(uri, body, linked.Token);
                return (JsonDocument.Parse(bytes, JsonOptions), NextPage(uri, response));
            }
            catch (JsonException exception)
            {
                throw new HubException(HubFailure.Dishonest, $"{uri.GetLeftPart(UriPartial.Path)} is not valid JSON: "
                    + $"{exception.Message} Is HF_ENDPOINT a Hub?", exception);
            }
            catch (Exception exception) when (exception is IOException or HttpRequestException
                || exception is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                var failure = new HubException(
                    HubFailure.Unreachable, $"{uri.GetLeftPart(UriPartial.Path)} broke off: {exception.Message}", exception);
                await requests.WaitAsync(failure, attempt, null, cancellationToken);
            }
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadBoundedAsync(Uri uri, Stream body, CancellationToken cancellationToken)
    {
        var buffer = new ArrayBufferWriter<byte>();
        while (await body.ReadAsync(buffer.GetMemory(64 << 10), cancellationToken) is > 0 and var read)
        {
            buffer.Advance(read);
            if (buffer.WrittenCount > JsonBytesMax)
                throw Dishonest(uri, $"is longer than {JsonBytesMax} bytes");
        }

        return buffer.WrittenMemory;
    }

    private Uri? NextPage(Uri uri, HttpResponseMessage response)
    {
        if (!response.Headers.TryGetValues("Link", out var values))
            return null;
        var match = values.Select(value => NextLink().Match(value)).FirstOrDefault(match => match.Success);
        if (match is null)
            return null;
        if (!Uri.TryCreate(uri, match.Groups[1].Value, out var next))
            throw Dishonest(uri, "has a next page that is no URL");
        return next.Host == settings.Endpoint.Host && next.Scheme == settings.Endpoint.Scheme && next.Port == settings.Endpoint.Port
            ? next
            : throw Dishonest(uri, $"has its next page at another host, {next.Host}");
    }

    private static HubException Dishonest(Uri uri, string what) =>
        new(HubFailure.Dishonest, $"{uri.GetLeftPart(UriPartial.Path)} {what}.");

    private static string Shown(string text) => new([.. text.Take(80).Select(c => char.IsControl(c) ? '?' : c)]);

    /// <summary>A text; null where there is none, or bytes that are none.</summary>
    private static string? Text(JsonElement item, string name)
    {
        try
        {
            return item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out var value)
                && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static long? Number(JsonElement item, string name) =>
        item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number
            && value.TryGetInt64(out var number)
            ? number
            : null;

    [GeneratedRegex(@"^[0-9a-f]{40}\z")]
    private static partial Regex Commit();

    [GeneratedRegex(@"^[0-9a-f]{40}\z|^[0-9a-f]{64}\z")]
    private static partial Regex Sha1();

    [GeneratedRegex(@"^[0-9a-f]{64}\z")]
    private static partial Regex Sha256();

    [GeneratedRegex("<([^>]+)>[^,]*;\\s*rel=\"?next\"?")]
    private static partial Regex NextLink();
}
