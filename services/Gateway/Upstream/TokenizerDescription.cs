namespace Parley.Gateway.Upstream;

/// <summary>What the Tokenizer has loaded.</summary>
internal sealed record TokenizerDescription(string Model, string TokenizerSha256, bool HasChatTemplate);
