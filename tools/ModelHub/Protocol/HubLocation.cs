namespace Parley.ModelHub.Protocol;

/// <summary>Where a file's bytes are to be had, once redirects have been followed.</summary>
internal sealed class HubLocation(Uri origin)
{
    private Uri? _resolved;

    /// <summary>The Hub's own address of the file.</summary>
    public Uri Origin => origin;

    /// <summary>Where the last answer came from; a signed address runs out, and then the origin is asked again.</summary>
    public Uri Current => Volatile.Read(ref _resolved) ?? origin;

    public void Learn(Uri resolved) => Volatile.Write(ref _resolved, resolved);

    public void Forget() => Volatile.Write(ref _resolved, null);
}
