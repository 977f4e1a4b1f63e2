namespace Parley.Gateway.Tests.Responses;

/// <summary>Texts cut as streams cut them.</summary>
internal static class Cuts
{
    /// <summary>Pieces of no to eight characters.</summary>
    public static IReadOnlyList<string> At(string text, Random random)
    {
        var pieces = new List<string>();
        for (var at = 0; at < text.Length;)
        {
            var length = Math.Min(random.Next(0, 9), text.Length - at);
            pieces.Add(text.Substring(at, length));
            at += length;
        }

        return pieces;
    }
}
