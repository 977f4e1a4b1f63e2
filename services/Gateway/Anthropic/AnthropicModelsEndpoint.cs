using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.Limits;
using Parley.Gateway.OpenAi;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.Anthropic;

/// <summary><c>GET /v1/models</c> and <c>GET /v1/models/{id}</c> for who names a version of Anthropic's.</summary>
internal sealed class AnthropicModelsEndpoint(UpstreamPairing pairing, Callers callers, TimeProvider time)
{
    private readonly string _created = time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture);

    public async Task ListAsync(HttpContext context)
    {
        var pair = await pairing.GetAsync(context.RequestAborted);
        var names = callers.Current.NamesOf(pair.Names);
        await JsonAnswer.WriteAsync(context, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("data");
            foreach (var name in names)
                WriteModel(json, name, pair);
            json.WriteEndArray();
            json.WriteString("first_id", names is [var first, ..] ? first : null);
            json.WriteString("last_id", names is [.., var last] ? last : null);
            json.WriteBoolean("has_more", false);
            json.WriteEndObject();
        });
    }

    public async Task GetAsync(HttpContext context)
    {
        var id = context.Request.RouteValues["id"] as string ?? "";
        var pair = await pairing.GetAsync(context.RequestAborted);
        if (!pair.Names.Contains(id))
            throw new ChatException(ChatRequestValidator.ModelNotFound(id, pair.Model));
        callers.Current.Require(id, pair.Names);
        await JsonAnswer.WriteAsync(context, json => WriteModel(json, id, pair));
    }

    private void WriteModel(Utf8JsonWriter json, string name, UpstreamPair pair)
    {
        json.WriteStartObject();
        json.WriteString("type", "model");
        json.WriteString("id", name);
        json.WriteString("display_name", name);
        json.WriteString("created_at", _created);
        json.WriteNumber("max_input_tokens", pair.Generator.ContextTokensMax);
        json.WriteNumber("max_tokens", pair.Generator.ContextTokensMax);
        json.WriteNull("capabilities");
        json.WriteString("lifecycle", "active");
        json.WriteNull("line");
        json.WriteNull("deprecated_at");
        json.WriteNull("retires_at");
        json.WriteEndObject();
    }
}
