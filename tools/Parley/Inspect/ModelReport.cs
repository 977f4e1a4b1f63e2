using System.Text.Json;
using System.Text.Json.Nodes;
using Parley.ModelImporter.Inspection;

namespace Parley.Cli.Inspect;

/// <summary>What a model's folder holds: modules with sizes, parameters, bytes by precision, cache per token, the files.</summary>
internal static class ModelReport
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    /// <summary>Writes for people.</summary>
    public static void Write(string folder)
    {
        ChatReport.Heading($"The model: {folder}");
        Console.Out.Write(ModelTree.Read(folder).ToText());
    }

    /// <summary>Writes for programs.</summary>
    public static void WriteJson(string folder) => Console.Out.WriteLine(ToJson(folder)!.ToJsonString(Json));

    public static JsonNode? ToJson(string folder) => JsonSerializer.SerializeToNode(ModelTree.Read(folder), Json);
}
