using System.Net;

namespace Parley.ModelHub.Protocol;

/// <summary>What an answer that is no success means, and what to do about it.</summary>
internal static class HubRefusal
{
    private const int MessageCharactersMax = 300;

    /// <summary>Whether the same request may succeed a little later.</summary>
    public static bool MayPass(HttpStatusCode status) =>
        status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError;

    public static HubException Read(HttpResponseMessage response, HubSettings settings)
    {
        var uri = response.RequestMessage?.RequestUri;
        var place = uri?.GetLeftPart(UriPartial.Path) ?? "The Hub";
        var repository = RepositoryOf(uri, settings);
        var page = $"{settings.Endpoint.AbsoluteUri.TrimEnd('/')}/{repository}";
        var said = Header(response, "X-Error-Message");
        var named = said.Length > 0 ? $" ({said})" : "";
        return (Header(response, "X-Error-Code"), response.StatusCode) switch
        {
            ("GatedRepo", _) => new HubException(HubFailure.Gated, settings.Token is null
                ? $"{repository} is gated: accept its licence at {page}, then 'parley login' or set HF_TOKEN."
                : $"{repository} is gated and this token may not read it{named}: accept its licence at {page} with the token's account; "
                    + "a fine-grained token also needs the right to read gated repositories."),
            ("RevisionNotFound", _) => new HubException(HubFailure.RevisionNotFound, $"{repository} has no such revision{named}."),
            ("EntryNotFound", _) => new HubException(HubFailure.FileNotFound, $"{place} does not exist{named}."),
            ("RepoNotFound", _) or (_, HttpStatusCode.NotFound) => NotFound(repository, settings, named),
            (_, HttpStatusCode.Unauthorized) when settings.Token is not null => new HubException(HubFailure.Unauthorized,
                $"{settings.Endpoint.Host} does not know this token{named}: 'parley login', or set HF_TOKEN anew."),
            (_, HttpStatusCode.Unauthorized) => NotFound(repository, settings, named),
            (_, HttpStatusCode.Forbidden) => new HubException(
                HubFailure.Unauthorized, $"{place} may not be read{named}: see {page}, and the rights of the token."),
            (_, HttpStatusCode.TooManyRequests) => new HubException(
                HubFailure.RateLimited, $"{settings.Endpoint.Host} has had too many requests{named}."),
            (_, var status) => new HubException(HubFailure.Unreachable, $"{place} answered {(int)status}{named}."),
        };
    }

    private static HubException NotFound(string repository, HubSettings settings, string named) => new(
        HubFailure.RepositoryNotFound, $"{settings.Endpoint.Host} has no model {repository}{named}, or it is private: "
        + (settings.Token is null ? "check the name; for a private one 'parley login' or set HF_TOKEN."
            : "check the name, and whether the token's account may see it."));

    private static string RepositoryOf(Uri? uri, HubSettings settings)
    {
        var path = uri?.AbsolutePath ?? "";
        var root = settings.Endpoint.AbsolutePath.TrimEnd('/');
        path = path.StartsWith(root, StringComparison.Ordinal) ? path[root.Length..].TrimStart('/') : path.TrimStart('/');
        if (path.StartsWith("api/models/", StringComparison.Ordinal))
            path = path["api/models/".Length..];
        var parts = path.Split('/');
        return parts.Length > 1 && parts[1] is not ("resolve" or "revision" or "tree") ? $"{parts[0]}/{parts[1]}" : parts[0];
    }

    private static string Header(HttpResponseMessage response, string name)
    {
        if (!response.Headers.TryGetValues(name, out var values))
            return "";
        var text = new string([.. string.Join(' ', values).Where(c => !char.IsControl(c)).Take(MessageCharactersMax)]);
        return text.TrimEnd('.');
    }
}
