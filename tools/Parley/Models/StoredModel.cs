namespace Parley.Cli.Models;

/// <summary>A model on this machine: a snapshot of the Hub's cache, or a package that was imported once.</summary>
/// <param name="Name">As it is served.</param>
/// <param name="Kind"><c>snapshot</c> or <c>package</c>.</param>
/// <param name="Precision">A package's precision; of a snapshot the form of its weights.</param>
/// <param name="Bytes">Length of its files.</param>
/// <param name="Source">What it came from.</param>
/// <param name="Commit">The commit on the Hub; null where it is of no repository.</param>
/// <param name="LastUse">When it was last used, as far as that is noted.</param>
/// <param name="Path">Its folder.</param>
internal sealed record StoredModel(
    string Name, string Kind, string Precision, long Bytes, string Source, string? Commit, DateTime LastUse, string Path);
