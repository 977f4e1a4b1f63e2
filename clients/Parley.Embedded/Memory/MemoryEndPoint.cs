using System.Net;

namespace Parley.Embedded.Memory;

/// <summary>A place to listen that only this process reaches.</summary>
/// <param name="name">Its host name in addresses, e.g. <c>tokenizer</c>.</param>
internal sealed class MemoryEndPoint(string name) : EndPoint
{
    public string Name => name;

    /// <summary>As clients call it; no name service is asked for it.</summary>
    public Uri Address => new($"http://{name}/");

    public override string ToString() => $"memory:{name}";
}
