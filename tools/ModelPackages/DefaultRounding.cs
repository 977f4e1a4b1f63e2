using Parley.ModelImporter;

namespace Parley.ModelPackages;

/// <summary>What int4 is rounded for where nobody says otherwise: the text that comes with Parley.</summary>
internal static class DefaultRounding
{
    public const int CalibrationTokens = 12_288;

    /// <summary>The ids of the bundled text in a source's own vocabulary; null for the other precisions.</summary>
    public static IReadOnlyList<int>? CalibrationIds(string source, string precision) =>
        precision == "int4" ? Encode(source, CalibrationTokens) : null;

    /// <summary>The bundled text, up to a number of tokens.</summary>
    public static int[] Encode(string source, int tokens) => WithSmallFiles(source, folder => CalibrationText.Encode(folder, tokens));

    /// <summary>Reads the tokenizer of a source. A GGUF file may be all there is: its tokenizer stands in its metadata.</summary>
    public static T WithSmallFiles<T>(string source, Func<string, T> read)
    {
        var folder = Directory.CreateTempSubdirectory("parley-calibration-").FullName;
        try
        {
            ModelImport.WriteSmallFiles(source, folder);
            return read(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
