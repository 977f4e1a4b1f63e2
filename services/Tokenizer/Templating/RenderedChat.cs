namespace Parley.Tokenizer.Templating;

/// <summary>What a template wrote, and which parts of it users supplied.</summary>
internal sealed record RenderedChat(string Text, UserRanges UserRanges);
