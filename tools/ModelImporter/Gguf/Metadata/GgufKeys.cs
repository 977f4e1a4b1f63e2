using System.Globalization;

namespace Parley.ModelImporter.Gguf.Metadata;

/// <summary>Typed reads of what GGUF metadata say of an architecture; each failure names the file and the key.</summary>
/// <param name="metadata">All of them.</param>
/// <param name="architecture">Prefix of the keys.</param>
/// <param name="path">Named in messages.</param>
internal sealed class GgufKeys(IReadOnlyDictionary<string, object> metadata, string architecture, string path)
{
    /// <summary>Prefix of the keys.</summary>
    public string Architecture => architecture;

    /// <summary>A value, or null.</summary>
    public object? Value(string key) => metadata.GetValueOrDefault($"{architecture}.{key}");

    /// <summary>A positive whole number.</summary>
    public long Size(string key, long? fallback = null) =>
        (Value(key) ?? fallback) is long and > 0 and <= int.MaxValue and var size ? size : throw Bad(key);

    /// <summary>A positive whole number, or one for each layer: the same for all, or none.</summary>
    public long SizeOfAll(string key, long fallback) => Value(key) is not GgufList { Numbers: { Count: > 0 } numbers }
        ? Size(key, fallback)
        : numbers.Where(number => number != 0).Distinct().ToList() is [> 0 and <= int.MaxValue and var size] ? size : throw Bad(key);

    /// <summary>A positive number.</summary>
    public double Number(string key, double? fallback = null) =>
        (Value(key) ?? fallback) is double and > 0 and var number && double.IsFinite(number) ? number : throw Bad(key);

    /// <summary>A positive number; null where it is missing or 0.</summary>
    public double? Positive(string key) => Value(key) is null or 0.0 ? null : Number(key);

    /// <summary>A positive whole number; null where it is missing or 0.</summary>
    public long? Count(string key) => Value(key) is null or 0L ? null : Size(key);

    /// <summary>A list of numbers or truth values, each as whether it is set; null where it is missing.</summary>
    public IReadOnlyList<bool>? Flags(string key) => Value(key) switch
    {
        null => null,
        GgufList { Numbers: { Count: > 0 } numbers } => [.. numbers.Select(number => number != 0)],
        _ => throw Bad(key),
    };

    /// <summary>A list of positive whole numbers; null where it is missing or one number.</summary>
    public IReadOnlyList<long>? Sizes(string key) => Value(key) switch
    {
        null or long => null,
        GgufList { Numbers: { Count: > 0 } numbers } when numbers.All(number => number is > 0 and <= int.MaxValue) => numbers,
        _ => throw Bad(key),
    };

    /// <summary>The file needs its config.json.</summary>
    public InvalidDataException NeedsConfig(string reason) =>
        new($"{path}: {reason}; put the model's config.json from the Hugging Face Hub beside the file.");

    /// <summary>Something of the file that does not fit.</summary>
    public InvalidDataException Fault(string text) => new($"{path}: {text}");

    /// <summary>A value that changes what is computed and is not honoured.</summary>
    public InvalidDataException Unsupported(string key, double neutral) => new(string.Create(CultureInfo.InvariantCulture,
        $"{path}: {architecture}.{key} is {Value(key)}; supported: {neutral}, which is the same without it."));

    private InvalidDataException Bad(string key) => new(string.Create(CultureInfo.InvariantCulture,
        $"{path}: {architecture}.{key} is {Told(Value(key))}, not a positive number."));

    private static object Told(object? value) => value is GgufList ? "a list" : value ?? "missing or a list";
}
