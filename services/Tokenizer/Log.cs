namespace Parley.Tokenizer;

/// <summary>Everything that the service logs; ids 100 to 199. No text of a request is ever logged.</summary>
internal static partial class Log
{
    [LoggerMessage(100, LogLevel.Information,
        "Tokenizer of {Model} loaded in {Milliseconds:F0} ms: {Algorithm}, ids below {VocabularySize}, templates: {Templates}")]
    public static partial void Loaded(
        ILogger logger, string model, double milliseconds, string algorithm, int vocabularySize, string templates);

    [LoggerMessage(101, LogLevel.Information, "{Method} refused: {Field}")]
    public static partial void Refused(ILogger logger, string method, string field);

    [LoggerMessage(102, LogLevel.Information, "{Method} refused by the chat template: {Kind}")]
    public static partial void TemplateRefused(ILogger logger, string method, string kind);
}
