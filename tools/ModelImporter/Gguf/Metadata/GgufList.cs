namespace Parley.ModelImporter.Gguf.Metadata;

/// <summary>A list among GGUF metadata. Only those that somebody reads keep their items; the others are known to be there.</summary>
/// <param name="Texts">Items that are texts.</param>
/// <param name="Numbers">Items that are whole numbers.</param>
/// <param name="Reals">Items that are other numbers.</param>
internal sealed record GgufList(IReadOnlyList<string> Texts, IReadOnlyList<long> Numbers, IReadOnlyList<double> Reals)
{
    public static GgufList Unread { get; } = new([], [], []);

    public override string ToString() => "a list";
}
