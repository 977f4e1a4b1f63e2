using Parley.Gateway.Chat;

namespace Parley.Gateway.Upstream;

/// <summary>A chat as token ids, with the fingerprint of the tokenizer that wrote them.</summary>
internal sealed record EncodedPrompt(
    IReadOnlyList<uint> Ids, string TokenizerSha256, TimeSpan TemplateDuration, TimeSpan EncodeDuration, RenderedPrompt? Rendered);
