using System.Collections.Frozen;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Parley.Gateway.V1;
using Parley.Generator.V1;
using Parley.Tokenizer.V1;

namespace Parley.Client.Requests;

/// <summary>
/// Writes <see cref="ChatOptions.AdditionalProperties"/> into a request, under the names of <see cref="ParleyProperties"/>.
/// </summary>
internal sealed class PropertyWriter(CompleteRequest request, ViolationList violations, UnknownProperties unknown)
{
    /// <summary>Names of the contract for what has a property of its own, which would have to be weighed against it.</summary>
    private static readonly FrozenDictionary<string, string> OwnProperties = new Dictionary<string, string>
    {
        ["temperature"] = "Temperature",
        ["top_k"] = "TopK",
        ["top_p"] = "TopP",
        ["presence_penalty"] = "PresencePenalty",
        ["frequency_penalty"] = "FrequencyPenalty",
        ["max_tokens"] = "MaxOutputTokens",
        ["seed"] = "Seed",
        ["stop"] = "StopSequences",
        ["model"] = "ModelId",
        ["tools"] = "Tools",
        ["json_schema"] = "ResponseFormat",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private readonly PropertyReader _reader = new(violations);

    /// <summary>Time for the answer, where a property says it.</summary>
    public TimeSpan? Timeout { get; private set; }

    /// <summary>Whether the answer's schema is closed: unless a property says otherwise.</summary>
    public bool IsStrict(AdditionalPropertiesDictionary? properties) =>
        properties?.TryGetValue(ParleyProperties.Strict, out var strict) != true || strict is null
        || _reader.Flag(PropertyReader.FieldOf(ParleyProperties.Strict), strict) != false;

    public void Write(AdditionalPropertiesDictionary? properties)
    {
        foreach (var (name, value) in properties ?? [])
        {
            if (value is null or JsonElement { ValueKind: JsonValueKind.Null } || name == ParleyProperties.Strict)
                continue;
            var field = PropertyReader.FieldOf(name);
            if (OwnProperties.TryGetValue(name, out var own))
                violations.Add(field, $"has a property of its own, ChatOptions.{own}");
            else if (!TryWriteSampling(name, field, value) && !TryWriteLists(name, field, value) && !TryWriteChat(name, field, value)
                && !TryWriteCall(name, field, value) && unknown == UnknownProperties.Refuse)
                violations.Add(field, "is unknown; ParleyProperties has the names");
        }
    }

    private bool TryWriteSampling(string name, string field, object value)
    {
        var sampling = request.Sampling;
        switch (name)
        {
            case ParleyProperties.MinP:
                Set(_reader.Number(field, value), sampling.HasMinP, number => sampling.MinP = number);
                return true;
            case ParleyProperties.TypicalP:
                Set(_reader.Number(field, value), sampling.HasTypicalP, number => sampling.TypicalP = number);
                return true;
            case ParleyProperties.RepetitionPenalty:
                Set(_reader.Number(field, value), sampling.HasRepetitionPenalty, number => sampling.RepetitionPenalty = number);
                return true;
            case ParleyProperties.NoRepeatNgramSize:
                Set(_reader.Unsigned(field, value), sampling.HasNoRepeatNgramSize, number => sampling.NoRepeatNgramSize = number);
                return true;
            case ParleyProperties.MinTokens:
                Set(_reader.Unsigned(field, value), sampling.HasMinTokens, number => sampling.MinTokens = number);
                return true;
            case ParleyProperties.IgnoreEos:
                Set(_reader.Flag(field, value), sampling.HasIgnoreEos, flag => sampling.IgnoreEos = flag);
                return true;
            case ParleyProperties.Logprobs:
                Set(_reader.Flag(field, value), sampling.HasLogprobs, flag => sampling.Logprobs = flag);
                return true;
            case ParleyProperties.TopLogprobs:
                Set(_reader.Unsigned(field, value), sampling.HasTopLogprobs, number => sampling.TopLogprobs = number);
                return true;
            case ParleyProperties.PromptLogprobs:
                Set(_reader.Unsigned(field, value), sampling.HasPromptLogprobs, number => sampling.PromptLogprobs = number);
                return true;
            case ParleyProperties.Processors:
                sampling.Processors ??= _reader.Processors(field, value);
                return true;
            case ParleyProperties.Priority:
                Set(_reader.Integer(field, value), sampling.HasPriority, number => sampling.Priority = number);
                return true;
            case ParleyProperties.DraftTokens:
                Set(_reader.Unsigned(field, value), sampling.HasDraftTokens, number => sampling.DraftTokens = number);
                return true;
            default:
                return false;
        }
    }

    private bool TryWriteLists(string name, string field, object value)
    {
        var sampling = request.Sampling;
        switch (name)
        {
            case ParleyProperties.LogitBias:
                foreach (var (id, bias) in _reader.Biases(field, value))
                    sampling.LogitBias.TryAdd(id, bias);
                return true;
            case ParleyProperties.AllowedTokenIds:
                Fill(sampling.AllowedTokenIds, _reader.Ids(field, value));
                return true;
            case ParleyProperties.BannedTokenIds:
                Fill(sampling.BannedTokenIds, _reader.Ids(field, value));
                return true;
            case ParleyProperties.StopTokenIds:
                Fill(sampling.StopTokenIds, _reader.Ids(field, value));
                return true;
            case ParleyProperties.GuideRegex:
                Guide(field, _reader.Text(field, value) is { } regex ? new Guide { Regex = regex } : null);
                return true;
            case ParleyProperties.GuideChoice:
                Guide(field, new Guide { Choice = new GuideChoice { Texts = { _reader.Texts(field, value) } } });
                return true;
            case ParleyProperties.GuideGrammar:
                Guide(field, _reader.Text(field, value) is { } grammar ? new Guide { Grammar = grammar } : null);
                return true;
            default:
                return false;
        }
    }

    private bool TryWriteChat(string name, string field, object value)
    {
        var chat = request.Chat;
        switch (name)
        {
            case ParleyProperties.TemplateArguments:
                if (_reader.JsonObject(field, value) is { } arguments)
                    chat.TemplateArgumentsJson = ThinkingWriter.Over(chat.TemplateArgumentsJson, arguments);
                return true;
            case ParleyProperties.TemplateName:
                if (_reader.Text(field, value) is { } template && chat.TemplateName.Length == 0)
                    chat.TemplateName = template;
                return true;
            case ParleyProperties.Documents:
                Fill(chat.DocumentsJson, _reader.Objects(field, value));
                return true;
            case ParleyProperties.AddGenerationPrompt:
                Set(_reader.Flag(field, value), chat.HasAddGenerationPrompt, flag => chat.AddGenerationPrompt = flag);
                return true;
            case ParleyProperties.ContinueFinalMessage:
                Set(_reader.Flag(field, value), false, flag => chat.ContinueFinalMessage |= flag);
                return true;
            case ParleyProperties.SpecialTokensInContent:
                if (_reader.Text(field, value) is { } treatment && chat.SpecialTokensInContent == SpecialTokensInContent.Unspecified)
                    chat.SpecialTokensInContent = Treatment(field, treatment);
                return true;
            default:
                return false;
        }
    }

    private bool TryWriteCall(string name, string field, object value)
    {
        switch (name)
        {
            case ParleyProperties.IncludeStop:
                Set(_reader.Flag(field, value), false, flag => request.IncludeStop |= flag);
                return true;
            case ParleyProperties.RequestId:
                if (_reader.Text(field, value) is { } id && request.RequestId.Length == 0)
                    request.RequestId = RequestId(field, id);
                return true;
            case ParleyProperties.ReasoningTokensMax:
                Set(_reader.Unsigned(field, value), request.HasReasoningTokensMax, number => request.ReasoningTokensMax = number);
                return true;
            case ParleyProperties.Timeout:
                Timeout = _reader.Span(field, value);
                return true;
            default:
                return false;
        }
    }

    private void Guide(string field, Guide? guide)
    {
        if (guide is null)
            return;
        if (request.Sampling.Guide is null)
            request.Sampling.Guide = guide;
        else
            violations.Add(field, "is a second guide; an answer has one, of ChatOptions.ResponseFormat or of a property");
    }

    private SpecialTokensInContent Treatment(string field, string text)
    {
        switch (text)
        {
            case "text":
                return SpecialTokensInContent.Text;
            case "parse":
                return SpecialTokensInContent.Parse;
            case "reject":
                return SpecialTokensInContent.Reject;
            default:
                violations.Add(field, $"must be text, parse or reject (it is '{text}')");
                return SpecialTokensInContent.Unspecified;
        }
    }

    private string RequestId(string field, string id)
    {
        const int lengthMax = 128;
        // The server would take another one instead.
        if (id.Length is 0 or > lengthMax || !id.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.' or ':'))
            violations.Add(field, "must be 1 to 128 of ASCII letters, digits, '-', '_', '.' and ':'");
        return id;
    }

    private static void Set<T>(T? value, bool isSet, Action<T> set)
        where T : struct
    {
        if (value is { } given && !isSet)
            set(given);
    }

    private static void Fill<T>(ICollection<T> list, IEnumerable<T> values)
    {
        if (list.Count > 0)
            return;
        foreach (var value in values)
            list.Add(value);
    }
}
