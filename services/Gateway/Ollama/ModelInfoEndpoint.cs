using System.Text.Json;
using Microsoft.Extensions.Options;
using Parley.Gateway.Chat;
using Parley.Gateway.Limits;
using Parley.Gateway.OpenAi;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.Ollama;

/// <summary><c>/api/tags</c>, <c>/api/show</c>, <c>/api/ps</c> and <c>/api/version</c>: about the one model that is loaded.</summary>
internal sealed class ModelInfoEndpoint(
    UpstreamPairing pairing, Callers callers, IOptions<GatewayOptions> options, TimeProvider time)
{
    /// <summary>The version of Ollama whose API this is: programs switch features on by it.</summary>
    public const string ApiVersion = "0.12.11";

    /// <summary>Until when the model stays loaded: as far off as anybody asks.</summary>
    private const int YearsLoaded = 100;

    private readonly DateTimeOffset _startedAt = time.GetUtcNow();

    public async Task ListAsync(HttpContext context)
    {
        var pair = await pairing.GetAsync(context.RequestAborted);
        await JsonAnswer.WriteAsync(context, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("models");
            foreach (var name in callers.Current.NamesOf(pair.Names))
            {
                OpenModel(json, name, pair);
                json.WriteString("modified_at", AnswerLines.Text(_startedAt));
                ModelFacts.WriteCapabilities(json, pair);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    public async Task LoadedAsync(HttpContext context)
    {
        var pair = await pairing.GetAsync(context.RequestAborted);
        await JsonAnswer.WriteAsync(context, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("models");
            foreach (var name in callers.Current.NamesOf(pair.Names).Take(1))
            {
                OpenModel(json, name, pair);
                json.WriteString("expires_at", AnswerLines.Text(time.GetUtcNow().AddYears(YearsLoaded)));
                json.WriteNumber(
                    "size_vram", pair.Generator.Device.StartsWith("CPU", StringComparison.Ordinal) ? 0 : ModelFacts.Bytes(pair.Generator));
                json.WriteNumber("context_length", pair.Generator.ContextTokensMax);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    public async Task ShowAsync(HttpContext context)
    {
        var name = await ReadNameAsync(context);
        var pair = await pairing.GetAsync(context.RequestAborted);
        name = OllamaNames.OfModel(name, pair.Names);
        if (name.Length > 0 && !pair.Names.Contains(name))
        {
            var error = ChatRequestValidator.ModelNotFound(name, pair.Model);
            throw new OpenAiException(OllamaErrors.From(error, OllamaNames.OfChat));
        }

        callers.Current.Require(name, pair.NamesFor(name));
        await JsonAnswer.WriteAsync(context, json => WriteShown(json, pair));
    }

    public static Task VersionAsync(HttpContext context) => JsonAnswer.WriteAsync(context, json =>
    {
        json.WriteStartObject();
        json.WriteString("version", ApiVersion);
        json.WriteEndObject();
    });

    private async Task<string> ReadNameAsync(HttpContext context)
    {
        using var body = await RequestBody.ReadAsync(context, options.Value.BodyBytesMax, anyType: true);
        var fields = new RequestFields();
        var name = "";
        foreach (var (key, field, value) in fields.Members("", body.RootElement))
        {
            if (key is "model" or "name")
                name = fields.Text(field, value) is { Length: > 0 } given ? given : name;
            else if (key == "verbose" && fields.Flag(field, value) != true)
                continue;
            else if (key != "verbose" && options.Value.UnknownFields == UnknownFields.Refuse)
                fields.Refuse(field, "is unknown", ViolationReason.Unknown);
            else
                // Of verbose: the vocabulary, which is not told here.
                fields.Ignore(field);
        }

        IgnoredFields.Tell(context, fields.Ignored);

        return fields.Violations.Count == 0
            ? name
            : throw new OpenAiException(OllamaErrors.From(ChatError.Invalid(fields.Violations), OllamaNames.OfChat));
    }

    private void WriteShown(Utf8JsonWriter json, UpstreamPair pair)
    {
        var model = pair.Generator;
        json.WriteStartObject();
        json.WriteString("modelfile", $"# {pair.Model} is served by Parley; it has no Modelfile.\n");
        json.WriteString("parameters", ModelFacts.Parameters(model));
        json.WriteString("template", pair.Tokenizer.ChatTemplate);
        ModelFacts.WriteDetails(json, model);
        json.WriteStartObject("model_info");
        json.WriteString("general.architecture", model.Architecture);
        json.WriteNumber("general.parameter_count", model.Parameters);
        json.WriteString("general.basename", pair.Model);
        json.WriteNumber($"{model.Architecture}.context_length", model.ContextTokensMax);
        json.WriteEndObject();
        ModelFacts.WriteCapabilities(json, pair);
        json.WriteString("modified_at", AnswerLines.Text(_startedAt));
        json.WriteEndObject();
    }

    private static void OpenModel(Utf8JsonWriter json, string name, UpstreamPair pair)
    {
        json.WriteStartObject();
        json.WriteString("name", name);
        json.WriteString("model", name);
        json.WriteNumber("size", ModelFacts.Bytes(pair.Generator));
        json.WriteString("digest", ModelFacts.Digest(pair.Generator));
        ModelFacts.WriteDetails(json, pair.Generator);
    }
}
