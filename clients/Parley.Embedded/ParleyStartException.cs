namespace Parley.Embedded;

/// <summary>
/// The model could not be got ready: it cannot be had, would not be served right, or does not fit; or a setting of a service cannot be.
/// The message says which, and names the file, the field or the setting. The next use tries again.
/// </summary>
public sealed class ParleyStartException : Exception
{
    internal ParleyStartException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
