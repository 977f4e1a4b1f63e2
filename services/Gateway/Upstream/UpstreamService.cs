namespace Parley.Gateway.Upstream;

/// <summary>A service behind the Gateway, as errors name it.</summary>
/// <param name="Name"><c>Tokenizer</c> or <c>Generator</c>.</param>
/// <param name="Address">Where it should answer.</param>
internal sealed record UpstreamService(string Name, Uri Address)
{
    public override string ToString() => $"{Name} at {Address.GetLeftPart(UriPartial.Authority)}";
}
