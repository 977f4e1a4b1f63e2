namespace Parley.Gateway.ApiDescription;

/// <summary>Statuses of errors: which routes have which, and what each means.</summary>
internal static class Faults
{
    /// <summary>Of every route that asks for a key.</summary>
    public static int[] OfReading => [401, 403, 429, 500, 503, 504];

    /// <summary>Of one that takes a body and asks the model.</summary>
    public static int[] OfModel => [400, 401, 403, 404, 408, 413, 415, 429, 500, 503, 504];

    /// <summary>Of one that is there to be refused.</summary>
    public static int[] OfRefusal => [400, 401, 403, 429];

    public static string TextOf(int status) => status switch
    {
        400 => "The request is at fault; the message names every field that is.",
        401 => "No key, or none of this server's.",
        403 => "The key, or this server's settings, do not allow it.",
        404 => "The model, or what the address names, is not here.",
        408 => "The body came too slowly.",
        413 => "The body is larger than `Gateway:BodyBytesMax` or the key's limit.",
        415 => "The body is no JSON in UTF-8, or in an encoding that is not known.",
        429 => "Too many requests, tokens or answers at once: of this key, or of all together.",
        500 => "A fault of the server; its log has the request's id.",
        503 => "A service behind this one is away, or is starting or stopping.",
        504 => "The answer took longer than `Gateway:RequestDurationSecondsMax`.",
        529 => "The server is loaded, and not by this caller alone.",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, null),
    };
}
