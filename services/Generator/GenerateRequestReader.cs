using Google.Protobuf.Collections;
using Google.Rpc;
using Grpc.Core;
using Parley.Generator.Engine;
using Parley.Generator.Sequences;
using Wire = Parley.Generator.V1;

namespace Parley.Generator;

/// <summary>Reads a request into the engine's words, or says all that is wrong with it at once.</summary>
internal sealed class GenerateRequestReader(
    ServedModel model, IReadOnlyList<string> servedNames, EngineLimits limits, SamplingReader sampling)
{
    private const int RequestIdLengthMax = 256;

    /// <summary>Whether a request is for this service at all, before anything of it is worked on.</summary>
    /// <exception cref="RpcException">NOT_FOUND or FAILED_PRECONDITION, with details.</exception>
    public void CheckServed(Wire.GenerateRequest request)
    {
        if (request.Model.Length > 0 && !servedNames.Contains(request.Model))
            throw GrpcFaults.NotFound("model", $"this service serves '{servedNames[0]}'.");
        if (request.TokenizerSha256.Length > 0
            && !request.TokenizerSha256.Equals(model.TokenizerSha256, StringComparison.OrdinalIgnoreCase))
        {
            throw GrpcFaults.FailedPrecondition(
                "tokenizer_sha256", $"the model's tokenizer is {model.TokenizerSha256}: tokenizer and generator serve different packages.");
        }
    }

    /// <summary>Reads a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="violations">What is wrong with its guide; the rest is added.</param>
    /// <exception cref="RpcException">INVALID_ARGUMENT, with details.</exception>
    public (uint[] Prompt, uint[] Resumed, SamplingParameters Parameters) Read(
        Wire.GenerateRequest request, List<BadRequest.Types.FieldViolation> violations)
    {
        if (request.RequestId.Length > RequestIdLengthMax || request.RequestId.Any(char.IsControl))
            Add(violations, "request_id", $"must have at most {RequestIdLengthMax} characters and no control characters.");
        CheckPrompt(request, violations);
        var parameters = sampling.Read(
            request.Sampling ?? new Wire.SamplingParameters(), limits.ContextTokensMax - request.PromptIds.Count, violations,
            request.PromptIds.Count, request.ResumeIds.Count);
        CheckResume(request, parameters, violations);
        if (violations.Count > 0)
            throw GrpcFaults.Invalid(violations);
        return (ToArray(request.PromptIds), ToArray(request.ResumeIds), parameters);
    }

    private void CheckPrompt(Wire.GenerateRequest request, List<BadRequest.Types.FieldViolation> violations)
    {
        var length = request.PromptIds.Count + request.ResumeIds.Count;
        if (request.PromptIds.Count == 0)
            Add(violations, "prompt_ids", "is empty: a sequence starts from at least one token.");
        if (length >= limits.ContextTokensMax)
        {
            Add(violations, "prompt_ids",
                $"prompt and resumed tokens are {length}, the context holds {limits.ContextTokensMax} with at least one new token.");
        }

        CheckIds(violations, "prompt_ids", request.PromptIds);
        CheckIds(violations, "resume_ids", request.ResumeIds);
    }

    private void CheckResume(
        Wire.GenerateRequest request, SamplingParameters parameters, List<BadRequest.Types.FieldViolation> violations)
    {
        if (request.ResumeIds.Count == 0)
            return;
        if (parameters.Sample && !request.Sampling.HasSeed)
            Add(violations, "resume_ids", "needs sampling.seed: without it the answer cannot be continued as it began.");
        if (parameters.PromptLogprobs is not null)
            Add(violations, "sampling.prompt_logprobs", "are told before the first token, and resume_ids has some already.");
        if (request.ResumeIds.Count >= parameters.MaxTokens)
        {
            Add(violations, "resume_ids",
                $"has {request.ResumeIds.Count} tokens, the answer may have {parameters.MaxTokens}: nothing is left to generate.");
        }

        var last = request.ResumeIds[^1];
        if (parameters.StopTokenIds.Contains(last) || (!parameters.IgnoreEos && model.Defaults.EosTokenIds.Contains(last)))
            Add(violations, "resume_ids", $"ends with {last}, which ends the answer: nothing is left to generate.");
    }

    private void CheckIds(List<BadRequest.Types.FieldViolation> violations, string field, RepeatedField<uint> ids)
    {
        for (var i = 0; i < ids.Count; i++)
        {
            if (ids[i] < model.Shape.VocabularySize)
                continue;
            Add(violations, $"{field}[{i}]", $"is {ids[i]}; the vocabulary has {model.Shape.VocabularySize} ids.");
            return;
        }
    }

    private static uint[] ToArray(RepeatedField<uint> ids)
    {
        var array = new uint[ids.Count];
        ids.CopyTo(array, 0);
        return array;
    }

    private static void Add(List<BadRequest.Types.FieldViolation> violations, string field, string description) =>
        violations.Add(new BadRequest.Types.FieldViolation { Field = field, Description = description });
}
