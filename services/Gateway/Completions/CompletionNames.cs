namespace Parley.Gateway.Completions;

/// <summary>Fields of the pipeline under the names that a completion gives them.</summary>
internal static class CompletionNames
{
    public static string Of(string field) => field switch
    {
        "top_logprobs" or "prompt_logprobs" => "logprobs",
        "prompt_ids" => "prompt",
        _ when field.StartsWith("messages", StringComparison.Ordinal) => "prompt",
        _ => field,
    };
}
