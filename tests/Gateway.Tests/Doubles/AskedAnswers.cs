using System.Text;
using Parley.Generator.V1;

namespace Parley.Gateway.Tests.Doubles;

/// <summary>A model that answers what the last turn asks for, so that one host serves all questions of a client's script.</summary>
internal static class AskedAnswers
{
    private const string Call = "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln\"}}\n</tool_call><|im_end|>";

    /// <summary>
    /// Arranges the fakes: <c>Rain?</c> calls a tool, <c>json</c> gives an object, <c>wait</c> never ends, <c>fail</c> breaks.
    /// </summary>
    public static void Arrange(GatewayHost host)
    {
        host.Tokenizer.ChatTemplate = "<|im_start|>assistant <think> <tool_call>";
        host.Generator.Script = request => Answer(host, TextOf(request));
    }

    private static IEnumerable<uint[]> Answer(GatewayHost host, string prompt)
    {
        host.Generator.Fault = null;
        host.Generator.BeforeBatch = (_, _) => Task.CompletedTask;
        if (prompt.EndsWith("Rain?", StringComparison.Ordinal))
            return FakeGenerator.Letters($"<think>\nHm.\n</think>\n\n{Call}");
        if (prompt.EndsWith("json", StringComparison.Ordinal))
            return FakeGenerator.Letters("{\"city\":\"Köln\"}");
        if (prompt.EndsWith("fail", StringComparison.Ordinal))
            host.Generator.Fault = (3, new FailedEvent { Code = FailureCode.StepFailed, Message = "broken" });
        else if (prompt.EndsWith("wait", StringComparison.Ordinal))
            host.Generator.BeforeBatch = (number, token) => number < 3 ? Task.CompletedTask : Task.Delay(Timeout.Infinite, token);
        return FakeGenerator.Letters("Hello, world!");
    }

    private static string TextOf(GenerateRequest request) =>
        Encoding.UTF8.GetString([.. request.PromptIds.Where(id => id < 256).Select(id => (byte)id)]);
}
