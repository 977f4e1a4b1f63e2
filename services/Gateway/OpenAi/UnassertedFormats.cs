namespace Parley.Gateway.OpenAi;

/// <summary>The response header that names formats of a schema which nobody defines: they assert nothing.</summary>
internal static class UnassertedFormats
{
    public const string Header = "X-Parley-Unasserted-Formats";

    /// <summary>Tells them, unless the answer has begun: then a comment has kept its line open already.</summary>
    public static void Tell(HttpContext context, IReadOnlyCollection<string> formats)
    {
        if (formats.Count > 0 && !context.Response.HasStarted)
            context.Response.Headers[Header] = IgnoredFields.Join(formats);
    }
}
