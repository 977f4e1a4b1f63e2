namespace Parley.ModelImporter.Forms;

/// <summary>Numbers of 8 bits.</summary>
internal static class Float8
{
    public const string E4M3 = "F8_E4M3";
    public const string E8M0 = "F8_E8M0";

    /// <summary>F8_E4M3: a sign, four bits of exponent, three of fraction; no infinity, and all ones are no number.</summary>
    public static float[] E4M3Values { get; } = [.. Enumerable.Range(0, 256).Select(ValueOfE4M3)];

    /// <summary>F8_E8M0: powers of two from 2^−127 on; all ones are no number.</summary>
    public static float[] E8M0Values { get; } =
        [.. Enumerable.Range(0, 256).Select(code => code == 255 ? float.NaN : MathF.ScaleB(1, code - 127))];

    private static float ValueOfE4M3(int code)
    {
        var (exponent, fraction) = (code >> 3 & 15, code & 7);
        var magnitude = (code & 127) == 127 ? float.NaN
            : exponent == 0 ? MathF.ScaleB(fraction, -9) : MathF.ScaleB(8 + fraction, exponent - 10);
        return code >= 128 ? -magnitude : magnitude;
    }
}
