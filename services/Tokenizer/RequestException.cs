namespace Parley.Tokenizer;

/// <summary>The caller's fault: names the field of the request and what is wrong with it.</summary>
internal sealed class RequestException(string field, string description) : Exception($"{field}: {description}")
{
    public string Field { get; } = field;

    public string Description { get; } = description;
}
