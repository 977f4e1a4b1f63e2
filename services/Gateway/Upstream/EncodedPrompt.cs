using Parley.Gateway.Chat;

namespace Parley.Gateway.Upstream;

/// <summary>
/// A chat as token ids, with the fingerprint of the tokenizer that wrote them, and its text where that was asked for.
/// </summary>
internal sealed record EncodedPrompt(
    IReadOnlyList<uint> Ids, string TokenizerSha256, TimeSpan TemplateDuration, TimeSpan EncodeDuration, RenderedPrompt? Rendered,
    string Text);
