using System.ClientModel;
using System.ClientModel.Primitives;
using OpenAI;
using Parley.Gateway.Tests.Doubles;

namespace Parley.Gateway.Tests.Clients;

/// <summary>OpenAI's own client against a Gateway of a test.</summary>
internal static class OpenAiClients
{
    public static OpenAIClient OpenAi(this GatewayHost host, string key = "none") => new(new ApiKeyCredential(key), new OpenAIClientOptions
    {
        Endpoint = new Uri("http://gateway/v1"),
        Transport = new HttpClientPipelineTransport(new HttpClient(host.Handler())),
        RetryPolicy = new ClientRetryPolicy(0),
    });

    /// <summary>A model that calls two tools one after the other and then answers.</summary>
    public static void CallTwoTools(GatewayHost host)
    {
        host.Tokenizer.ChatTemplate = "<|im_start|>assistant <think> <tool_call>";
        host.Generator.Script = _ => FakeGenerator.Letters(host.Tokenizer.Chats.Last().Messages.Count(one => one.Role == "tool") switch
        {
            0 => "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Köln\"}}\n</tool_call><|im_end|>",
            1 => "<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 2, \"b\": 3}}\n</tool_call><|im_end|>",
            _ => "It rains, and 5.<|im_end|>",
        });
    }
}
