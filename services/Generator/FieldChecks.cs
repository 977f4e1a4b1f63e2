using Google.Protobuf.Collections;
using Google.Rpc;

namespace Parley.Generator;

/// <summary>Checks of a request's fields in the words that all of them share; what is wrong is added to the violations.</summary>
internal static class FieldChecks
{
    /// <summary>A number that is set lies within its bounds, which it may reach; NaN never does.</summary>
    public static void CheckRange(
        this List<BadRequest.Types.FieldViolation> violations, bool isSet, string field, double value, double least, double most)
    {
        if (isSet && !(value >= least && value <= most))
            violations.AddFault(field, FormattableString.Invariant($"is {value}, must be from {least:0.####} to {most:0.####}."));
    }

    /// <summary>Ids of the vocabulary; the first that is none is told.</summary>
    public static void CheckIds(
        this List<BadRequest.Types.FieldViolation> violations, string field, RepeatedField<uint> ids, int vocabularySize)
    {
        for (var i = 0; i < ids.Count; i++)
        {
            if (!violations.CheckId($"{field}[{i}]", ids[i], vocabularySize))
                return;
        }
    }

    /// <summary>Whether an id is one of the vocabulary.</summary>
    public static bool CheckId(this List<BadRequest.Types.FieldViolation> violations, string field, uint id, int vocabularySize)
    {
        if (id < vocabularySize)
            return true;
        violations.AddFault(field, $"is {id}; the vocabulary has {vocabularySize} ids.");
        return false;
    }

    public static void AddFault(this List<BadRequest.Types.FieldViolation> violations, string field, string description) =>
        violations.Add(new BadRequest.Types.FieldViolation { Field = field, Description = description });
}
