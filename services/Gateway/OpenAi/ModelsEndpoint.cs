using System.Text.Json;
using Parley.Gateway.Chat;
using Parley.Gateway.Limits;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.OpenAi;

/// <summary><c>GET /v1/models</c> and <c>GET /v1/models/{id}</c>.</summary>
internal sealed class ModelsEndpoint(UpstreamPairing pairing, Callers callers, TimeProvider time)
{
    private readonly long _createdSeconds = time.GetUtcNow().ToUnixTimeSeconds();

    public async Task ListAsync(HttpContext context)
    {
        var pair = await pairing.GetAsync(context.RequestAborted);
        await JsonAnswer.WriteAsync(context, json =>
        {
            json.WriteStartObject();
            json.WriteString("object", "list");
            json.WriteStartArray("data");
            foreach (var name in callers.Current.NamesOf(pair.Names))
                WriteModel(json, name, pair);
            json.WriteEndArray();
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
        json.WriteString("id", name);
        json.WriteString("object", "model");
        json.WriteNumber("created", _createdSeconds);
        json.WriteString("owned_by", "parley");
        var adapter = pair.AdapterOf(name);
        json.WriteString("root", adapter?.Name ?? pair.Model);
        json.WriteString("parent", adapter is null ? null : pair.Model);
        json.WriteNumber("max_model_len", pair.Generator.ContextTokensMax);
        json.WriteString("precision", pair.Generator.Precision);
        json.WriteString("device", pair.Generator.Device);
        WriteSampling(json, "default_sampling", pair.Generator.DefaultSampling);
        WriteSampling(json, "varied_sampling", VariedSampling.Of(pair.Generator.DefaultSampling));
        json.WriteEndObject();
    }

    /// <summary>What a request means that says nothing of sampling, under the names of its fields; temperature 0 is greedy.</summary>
    private static void WriteSampling(Utf8JsonWriter json, string name, SamplingSettings sampling)
    {
        json.WriteStartObject(name);
        Write("temperature", sampling.Temperature ?? 0);
        Write("top_p", sampling.TopP);
        WriteCount("top_k", sampling.TopK);
        Write("min_p", sampling.MinP);
        Write("typical_p", sampling.TypicalP);
        Write("repetition_penalty", sampling.RepetitionPenalty);
        Write("presence_penalty", sampling.PresencePenalty);
        Write("frequency_penalty", sampling.FrequencyPenalty);
        WriteCount("no_repeat_ngram_size", sampling.NoRepeatNgramSize);
        WriteCount("max_tokens", sampling.MaxTokens);
        if (sampling.Processors is { } processors)
            ProcessorWriter.Write(json, processors);
        json.WriteEndObject();

        void Write(string field, float? value)
        {
            if (value is { } number)
                json.WriteNumber(field, number);
        }

        void WriteCount(string field, uint? value)
        {
            if (value is { } number)
                json.WriteNumber(field, number);
        }
    }
}
