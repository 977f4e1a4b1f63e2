namespace Parley.Gateway.ResponsesApi;

/// <summary>Fields of the pipeline under the names that the Responses API gives them.</summary>
internal static class ResponseNames
{
    public static string Of(string field) => field switch
    {
        _ when field.StartsWith("messages", StringComparison.Ordinal) => "input",
        _ => field,
    };
}
