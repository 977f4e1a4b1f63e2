namespace Parley.PackageFormat;

/// <summary>
/// Numbers that Python's JSON writes and JSON has not: <c>NaN</c>, <c>Infinity</c> and <c>-Infinity</c>, as configurations on the Hub have
/// them, in the words that transformers 5 writes instead.
/// </summary>
public static class PythonNumbers
{
    private static readonly byte[][] Names = [.. new[] { "NaN", "Infinity", "-Infinity" }.Select(System.Text.Encoding.ASCII.GetBytes)];

    /// <summary>The same JSON with each such number as <c>{"__float__":"Infinity"}</c>; the very bytes where there are none.</summary>
    public static byte[] Spell(byte[] json)
    {
        ArgumentNullException.ThrowIfNull(json);
        MemoryStream? spelled = null;
        var (copied, isText) = (0, false);
        for (var i = 0; i < json.Length; i++)
        {
            if (isText && json[i] == '\\')
                i++;
            else if (json[i] == '"')
                isText = !isText;
            if (isText || i >= json.Length || json[i] is not ((byte)'N' or (byte)'I' or (byte)'-'))
                continue;
            if (Array.Find(Names, name => json.AsSpan(i).StartsWith(name)) is not { } found)
                continue;
            spelled ??= new MemoryStream(json.Length + 64);
            spelled.Write(json, copied, i - copied);
            spelled.Write("{\"__float__\":\""u8);
            spelled.Write(found);
            spelled.Write("\"}"u8);
            i += found.Length - 1;
            copied = i + 1;
        }

        if (spelled is null)
            return json;
        spelled.Write(json, copied, json.Length - copied);
        return spelled.ToArray();
    }
}
