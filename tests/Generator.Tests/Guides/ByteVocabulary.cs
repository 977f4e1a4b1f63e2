using System.Text;
using Parley.Generator.Guides;
using Parley.Generator.Guides.Vocabulary;

namespace Parley.Generator.Tests.Guides;

/// <summary>A vocabulary of the 256 bytes: id n + 1 is byte n, id 0 ends.</summary>
internal static class ByteVocabulary
{
    public static TokenVocabulary Instance { get; } = new([null, .. Enumerable.Range(0, 256).Select(value => new[] { (byte)value })], [0]);

    /// <summary>Compiles a schema for this vocabulary.</summary>
    public static Guide Guide(string schema, GuideSettings? settings = null) =>
        Generator.Guides.Guide.FromSchema(schema, settings ?? GuideSettings.Default, Instance);

    /// <summary>Whether the guide lets a text pass, byte by byte, to its end.</summary>
    public static bool Accepts(Guide guide, string text)
    {
        var matcher = guide.Begin();
        return Encoding.UTF8.GetBytes(text).All(next => matcher.TryTake(next + 1)) && matcher.MayEnd;
    }
}
