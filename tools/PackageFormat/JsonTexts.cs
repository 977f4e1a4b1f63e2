using System.Text.Json;

namespace Parley.PackageFormat;

/// <summary>
/// Texts of a model's JSON files. Half a surrogate pair is well-formed JSON, but no text: .NET finds it only where it is read, so it is
/// looked for when a file is opened.
/// </summary>
public static class JsonTexts
{
    /// <summary>Reads every text and every name within an element.</summary>
    /// <exception cref="InvalidOperationException">One of them is no text.</exception>
    public static void Check(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                element.GetString();
                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                    Check(item);
                break;
            case JsonValueKind.Object:
                foreach (var property in element.EnumerateObject())
                {
                    _ = property.Name;
                    Check(property.Value);
                }

                break;
        }
    }
}
