using Google.Rpc;
using Grpc.Core;
using Parley.Generator.Guidance;
using Parley.Generator.Guides;
using Parley.Generator.Guides.Limits;
using Parley.Generator.Guides.Notations;
using Wire = Parley.Generator.V1;

namespace Parley.Generator;

/// <summary>Reads a request's guide, has it compiled, and leads it over the tokens of an answer that goes on.</summary>
internal sealed class GuideReader(GuideCompiler guides, TimeSpan retryAfter)
{
    private const string Field = "sampling.guide";

    /// <summary>Reads it.</summary>
    /// <param name="request">The request.</param>
    /// <param name="violations">Receives what is wrong with it: the field, and the place within.</param>
    /// <param name="cancellationToken">Cancelled when the caller leaves.</param>
    /// <returns>Where the answer stands; null where the request has no guide, or one that is refused.</returns>
    /// <exception cref="RpcException">RESOURCE_EXHAUSTED: as many guides as may be are being compiled.</exception>
    public async Task<GuideMatcher?> ReadAsync(
        Wire.GenerateRequest request, List<BadRequest.Types.FieldViolation> violations, CancellationToken cancellationToken)
    {
        if (request.Sampling?.Guide is not { ConstraintCase: not Wire.Guide.ConstraintOneofCase.None } wire)
            return null;
        var (field, source) = wire.ConstraintCase switch
        {
            Wire.Guide.ConstraintOneofCase.JsonSchema => ("json_schema", new GuideSource(GuideKind.JsonSchema, [wire.JsonSchema])),
            Wire.Guide.ConstraintOneofCase.Regex => ("regex", new GuideSource(GuideKind.Regex, [wire.Regex])),
            Wire.Guide.ConstraintOneofCase.Choice => ("choice", new GuideSource(GuideKind.Choice, wire.Choice.Texts)),
            Wire.Guide.ConstraintOneofCase.Grammar =>
                ("grammar", new GuideSource(GuideKind.Grammar, [wire.Grammar], ToSyntax(wire.GrammarSyntax, violations))),
            Wire.Guide.ConstraintOneofCase.StructuralTag =>
                ("structural_tag", new GuideSource(GuideKind.StructuralTag, [wire.StructuralTag])),
            var other => throw new InvalidOperationException($"A guide of the kind {other} is not known."),
        };
        if (wire.GrammarSyntax != Wire.GrammarSyntax.Unspecified && wire.ConstraintCase != Wire.Guide.ConstraintOneofCase.Grammar)
            Add(violations, $"{Field}.grammar_syntax", $"says how a grammar is written, and the guide is a {field}.");
        if (request.Sampling.IgnoreEos)
            Add(violations, "sampling.ignore_eos", "contradicts guide, which says where the answer ends.");
        try
        {
            var matcher = (await guides.GetAsync(source, cancellationToken)).Begin();
            Resume(matcher, request, violations);
            return matcher;
        }
        catch (GuideException exception)
        {
            Add(violations, $"{Field}.{field}", Describe(exception));
            return null;
        }
        catch (GuideOverloadException exception)
        {
            throw GrpcFaults.Overloaded(exception.Message, retryAfter);
        }
    }

    private static GrammarSyntax ToSyntax(Wire.GrammarSyntax syntax, List<BadRequest.Types.FieldViolation> violations)
    {
        if (syntax is < Wire.GrammarSyntax.Unspecified or > Wire.GrammarSyntax.Lark)
            Add(violations, $"{Field}.grammar_syntax", $"is {(int)syntax}, which is none of its values.");
        return syntax switch
        {
            Wire.GrammarSyntax.Gbnf => GrammarSyntax.Gbnf,
            Wire.GrammarSyntax.Lark => GrammarSyntax.Lark,
            _ => GrammarSyntax.Unspecified,
        };
    }

    private static string Describe(GuideException exception)
    {
        var message = exception.Message.TrimEnd('.') + ".";
        return exception.Place.Length == 0 ? $"is refused: {message}" : $"is refused at {exception.Place}: {message}";
    }

    private static void Resume(
        GuideMatcher matcher, Wire.GenerateRequest request, List<BadRequest.Types.FieldViolation> violations)
    {
        for (var i = 0; i < request.ResumeIds.Count; i++)
        {
            if (request.ResumeIds[i] <= int.MaxValue && matcher.TryTake((int)request.ResumeIds[i]))
                continue;
            Add(violations, $"resume_ids[{i}]",
                $"is {request.ResumeIds[i]}, which the guide does not allow behind byte {matcher.Position} of the answer.");
            return;
        }
    }

    private static void Add(List<BadRequest.Types.FieldViolation> violations, string field, string description) =>
        violations.Add(new BadRequest.Types.FieldViolation { Field = field, Description = description });
}
