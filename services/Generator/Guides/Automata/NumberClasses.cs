namespace Parley.Generator.Guides.Automata;

/// <summary>The bytes that numbers are written with: each for itself, one class for all else.</summary>
internal static class NumberClasses
{
    public static byte[] All { get; } = Make();

    private static byte[] Make()
    {
        var classes = new byte[256];
        byte count = 0;
        foreach (var value in "0123456789-+.eE"u8)
            classes[value] = ++count;
        return classes;
    }
}
