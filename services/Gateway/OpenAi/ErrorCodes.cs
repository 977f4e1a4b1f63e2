using Parley.Gateway.Chat;

namespace Parley.Gateway.OpenAi;

/// <summary>The <c>code</c> of an error, under OpenAI's names where OpenAI has one: the only table of them.</summary>
internal static class ErrorCodes
{
    public const string InvalidJson = "invalid_json";
    public const string RequestTooLarge = "request_too_large";
    public const string UnknownUrl = "unknown_url";
    public const string MethodNotAllowed = "method_not_allowed";
    public const string Internal = "internal";

    /// <summary>The error's code: that of its first violation where the request is at fault.</summary>
    public static string Of(ChatError error) => error.Kind switch
    {
        ChatErrorKind.InvalidRequest => Of(error.Violations is [var first, ..] ? first.Reason : ViolationReason.Value),
        ChatErrorKind.ContextExceeded => "context_length_exceeded",
        ChatErrorKind.Unsupported => Of(ViolationReason.Unsupported),
        ChatErrorKind.ModelNotFound => "model_not_found",
        ChatErrorKind.Overloaded => "rate_limit_exceeded",
        ChatErrorKind.PairMismatch => "model_mismatch",
        _ => error.Code,
    };

    public static string Of(ViolationReason reason) => reason switch
    {
        ViolationReason.Type => "invalid_type",
        ViolationReason.Missing => "missing_required_parameter",
        ViolationReason.Unknown => "unknown_parameter",
        ViolationReason.Unsupported => "unsupported_value",
        ViolationReason.IntegerTooSmall => "integer_below_min_value",
        ViolationReason.IntegerTooLarge => "integer_above_max_value",
        ViolationReason.NumberTooSmall => "decimal_below_min_value",
        ViolationReason.NumberTooLarge => "decimal_above_max_value",
        ViolationReason.TextTooShort => "string_below_min_length",
        ViolationReason.TextTooLong => "string_above_max_length",
        ViolationReason.ListTooShort => "array_below_min_length",
        ViolationReason.ListTooLong => "array_above_max_length",
        _ => "invalid_value",
    };
}
