using System.Text.Json.Nodes;
using Parley.Gateway.Responses.Templates;
using Parley.Gateway.Responses.Values;

namespace Parley.Gateway.Responses.Formats;

/// <summary>The formats of ours, a JSON file each beside this class, and the choice between them by what a chat template writes.</summary>
internal static class ResponseFormats
{
    private const string Folder = "formats/";

    private static readonly Lazy<IReadOnlyList<ResponseFormat>> Known = new(Load);

    /// <summary>All of ours, in the order in which they are tried.</summary>
    public static IReadOnlyList<ResponseFormat> All => Known.Value;

    /// <summary>The format of a model.</summary>
    /// <param name="responseTemplateJson">The description that came with the model, or empty.</param>
    /// <param name="chatTemplate">The source of its chat template, or empty.</param>
    /// <param name="fault">Why the model's own description is not used; null where it is, or where there is none.</param>
    /// <returns>Null where nothing is known: answers are text.</returns>
    public static ResponseFormat? Find(string responseTemplateJson, string chatTemplate, out string? fault)
    {
        fault = null;
        if (responseTemplateJson.Length > 0)
        {
            try
            {
                var own = new ResponseFormat(ResponseFormat.OwnName, ResponseTemplate.Parse(responseTemplateJson));
                var like = All.FirstOrDefault(format => format.Fits(chatTemplate));
                var reasoning = PythonJson.Parse(responseTemplateJson) is JsonObject node ? ReasoningGrammar.Of(node) : null;
                return own with
                {
                    CallIdCharacters = like?.CallIdCharacters,
                    Calls = like?.Calls,
                    Reasoning = reasoning ?? like?.Reasoning,
                    Content = like?.Content,
                };
            }
            catch (ResponseFormatException exception)
            {
                fault = exception.Message;
            }
        }

        return All.FirstOrDefault(format => format.Fits(chatTemplate));
    }

    private static ResponseFormat[] Load()
    {
        var assembly = typeof(ResponseFormats).Assembly;
        return [.. assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
            .Select(name =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                return Read(PythonJson.Parse(reader.ReadToEnd())!.AsObject());
            })
            .OrderBy(format => format.Order)];
    }

    private static ResponseFormat Read(JsonObject node)
    {
        var when = node["when"]!.AsObject();
        return new ResponseFormat(node["name"]!.GetValue<string>(), ResponseTemplate.Read(node["response_template"], isOurs: true))
        {
            CallIdCharacters = (int?)node["call_id_characters"]?.GetValue<long>(),
            Calls = node["calls"] is JsonObject calls ? CallGrammar.Read(calls) : null,
            Reasoning = node["reasoning"] is JsonObject reasoning ? ReasoningGrammar.Read(reasoning) : null,
            Content = node["content"] is JsonObject content ? ContentGrammar.Read(content) : null,
            All = Marks(when["all"]),
            Any = Marks(when["any"]),
            None = Marks(when["none"]),
            Order = (int)when["order"]!.GetValue<long>(),
        };
    }

    private static string[] Marks(JsonNode? node) => node is null ? [] : [.. node.AsArray().Select(one => one!.GetValue<string>())];
}
