using Microsoft.Extensions.Options;
using Parley.Gateway.Access;
using Parley.Gateway.Chat;
using Parley.Gateway.OpenAi;
using Parley.Gateway.Upstream;

namespace Parley.Gateway.AdapterLoading;

/// <summary>
/// <c>POST /v1/load_lora_adapter</c> and <c>/v1/unload_lora_adapter</c>, as vLLM names them: only where a setting allows it, and only for
/// callers with a key.
/// </summary>
internal sealed class AdaptersEndpoint(
    ApiKeys keys, UpstreamPairing pairing, GeneratorFleet generators, IOptions<GatewayOptions> options)
{
    private const string NameField = "lora_name";
    private const string PathField = "lora_path";

    public async Task LoadAsync(HttpContext context)
    {
        Check();
        var (name, path) = await ReadAsync(context, wantsPath: true);
        var change = await ChangeAsync(generators.ChangeAsync(one => one.LoadAdapterAsync(name, path, context.RequestAborted)));
        await WriteAsync(context, name, change, isLoaded: true);
    }

    public async Task UnloadAsync(HttpContext context)
    {
        Check();
        var (name, _) = await ReadAsync(context, wantsPath: false);
        var change = await ChangeAsync(generators.ChangeAsync(one => one.UnloadAdapterAsync(name, context.RequestAborted)));
        await WriteAsync(context, name, change, isLoaded: false);
    }

    private void Check()
    {
        if (!options.Value.AllowAdapterLoading)
        {
            throw Refusal("Adapters are not loaded for callers here: Gateway:AllowAdapterLoading allows it, and Generator:Adapters names "
                + "those that are there from the start.");
        }

        if (!keys.AreNeeded)
            throw Refusal("Adapters are loaded only for callers with a key, and this server has no keys (Gateway:ApiKey).");
    }

    private static OpenAiException Refusal(string message) => new(
        OpenAiError.Invalid(message) with { Status = StatusCodes.Status403Forbidden });

    private async Task<(string Name, string Path)> ReadAsync(HttpContext context, bool wantsPath)
    {
        using var body = await RequestBody.ReadAsync(context, options.Value.BodyBytesMax);
        var fields = new RequestFields();
        var (name, path) = ("", "");
        foreach (var (key, field, value) in fields.Members("", body.RootElement))
        {
            if (key == NameField)
                name = fields.Text(field, value) ?? "";
            else if (key == PathField && wantsPath)
                path = fields.Text(field, value) ?? "";
            else if (key is "lora_int_id" or "load_inplace")
                continue;
            else if (options.Value.UnknownFields == UnknownFields.Refuse)
                fields.Refuse(field, "is unknown", ViolationReason.Unknown);
            else
                fields.Ignore(field);
        }

        if (name.Length == 0)
            fields.Refuse(NameField, "is missing", ViolationReason.Missing);
        if (wantsPath && path.Length == 0)
            fields.Refuse(PathField, "is missing", ViolationReason.Missing);
        IgnoredFields.Tell(context, fields.Ignored);
        return fields.Violations.Count == 0 ? (name, path) : throw new ChatException(ChatError.Invalid(fields.Violations));
    }

    private async Task<AdapterChange> ChangeAsync(Task<AdapterChange> change)
    {
        try
        {
            return await change;
        }
        catch (ChatException exception)
        {
            var error = exception.Error.Rename(field => field switch
            {
                "name" => NameField,
                "path" => PathField,
                _ => field,
            });
            throw new ChatException(error, exception);
        }
        finally
        {
            // The list of names is another one now.
            pairing.Forget();
        }
    }

    private static Task WriteAsync(HttpContext context, string name, AdapterChange change, bool isLoaded) =>
        JsonAnswer.WriteAsync(context, json =>
        {
            json.WriteStartObject();
            json.WriteString("id", name);
            json.WriteString("object", "model");
            json.WriteBoolean("loaded", isLoaded);
            json.WriteBoolean("replaced", change.Replaced);
            json.WriteNumber("sequences_left", change.SequencesLeft);
            json.WriteEndObject();
        });
}
