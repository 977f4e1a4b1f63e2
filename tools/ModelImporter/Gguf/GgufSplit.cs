using System.Globalization;
using System.Text.RegularExpressions;

namespace Parley.ModelImporter.Gguf;

/// <summary>Models in several files: their names, and what each says of its place among them.</summary>
internal static partial class GgufSplit
{
    private const int FilesMax = 1000;

    /// <summary>Names of all files that a file's name tells of, in order; the name itself for a model in one file.</summary>
    /// <exception cref="InvalidDataException">The name counts wrongly.</exception>
    public static IReadOnlyList<string> Names(string name)
    {
        var match = Numbered().Match(name);
        if (!match.Success)
            return [name];
        var (number, count) = (Parse(match.Groups["number"]), Parse(match.Groups["count"]));
        if (number < 1 || number > count || count > FilesMax)
            throw new InvalidDataException($"{name}: the name speaks of file {number} of {count}; up to {FilesMax} are read.");
        return [.. Enumerable.Range(1, count).Select(i => string.Create(
            CultureInfo.InvariantCulture, $"{match.Groups["name"].Value}-{i:00000}-of-{count:00000}{match.Groups["ending"].Value}"))];
    }

    /// <summary>Checks what a file says of its place.</summary>
    /// <param name="header">Its header.</param>
    /// <param name="index">Files before it.</param>
    /// <param name="count">Files in all.</param>
    /// <param name="path">Named in messages.</param>
    /// <exception cref="InvalidDataException">It says something else.</exception>
    public static void Check(GgufHeader header, int index, int count, string path)
    {
        Check(header, "split.count", count, count > 1 ? null : 0, path);
        Check(header, "split.no", index, count > 1 ? null : 0, path);
    }

    /// <summary>Checks the number of tensors in all files.</summary>
    /// <exception cref="InvalidDataException">The first file says another one.</exception>
    public static void CheckCount(GgufHeader first, int tensors, string path) =>
        Check(first, "split.tensors.count", tensors, tensors, path);

    private static void Check(GgufHeader header, string key, int wanted, int? unset, string path)
    {
        var value = header.Metadata.GetValueOrDefault(key) ?? (unset is { } number ? (object)(long)number : null);
        if (value is not long said || (said != wanted && said != unset))
        {
            var text = string.Create(CultureInfo.InvariantCulture, $"{path}: {key} is {value ?? "missing"}, not {wanted}");
            throw new InvalidDataException(
                $"{text}; a model that was split is read from all its files, NAME-00001-of-00003.gguf and so on.");
        }
    }

    private static int Parse(Group digits) => int.Parse(digits.ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?<name>.+)-(?<number>\d{5})-of-(?<count>\d{5})(?<ending>\.gguf)\z", RegexOptions.IgnoreCase)]
    private static partial Regex Numbered();
}
