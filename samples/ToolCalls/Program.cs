using System.ClientModel;
using System.ComponentModel;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Models;
using Parley.Client;

// dotnet run --project samples/ToolCalls -- [HTTP] [GRPC]
// A server for it (docs/tools.md): a model whose chat template reads tools, such as the one beside this file.
var http = new Uri(args.ElementAtOrDefault(0) ?? "http://127.0.0.1:5080");
var grpc = args.ElementAtOrDefault(1) ?? "http://127.0.0.1:5081";
var api = new OpenAIClient(new ApiKeyCredential("none"), new OpenAIClientOptions { Endpoint = new Uri(http, "/v1") });
OpenAIModelCollection served = await api.GetOpenAIModelClient().GetModelsAsync();
var clients = new (string Name, IChatClient Client)[]
{
    ("Microsoft.Extensions.AI.OpenAI", api.GetChatClient(served[0].Id).AsIChatClient()),
    ("Parley.Client", new ParleyChatClient(grpc)),
};

foreach (var (name, client) in clients)
{
    Console.WriteLine($"== {name}");
    var options = new ChatOptions { Temperature = 0, MaxOutputTokens = 120 };

    // An answer of a type: the schema of City is the answer's guide.
    var city = await client.GetResponseAsync<City>("Tell me about Paris.", options, useJsonSchemaResponseFormat: true);
    Console.WriteLine($"city: {city.Result}");

    // A function: the first answer must be its call, the second is free.
    var temperature = AIFunctionFactory.Create(TemperatureOf, "get_temperature");
    using var caller = new ChatClientBuilder(client).UseFunctionInvocation().Build();
    var asked = options.Clone();
    (asked.Tools, asked.ToolMode, asked.AllowMultipleToolCalls) = ([temperature], ChatToolMode.RequireAny, false);
    var answer = await caller.GetResponseAsync("What is the temperature in Paris?", asked);
    foreach (var message in answer.Messages)
    {
        foreach (var content in message.Contents)
        {
            Console.WriteLine(content switch
            {
                FunctionCallContent call =>
                    $"call: {call.Name}({string.Join(", ", call.Arguments!.Select(one => $"{one.Key}: {one.Value}"))})",
                FunctionResultContent result => $"result: {result.Result}",
                TextContent text => $"answer: {text.Text}",
                _ => content.GetType().Name,
            });
        }
    }
}

return 0;

[Description("The temperature at a place, in degrees Celsius.")]
static int TemperatureOf([Description("Name of the city")] string city, Unit unit = Unit.Celsius) =>
    city.Length + (unit == Unit.Celsius ? 10 : 50);

internal enum Unit
{
    Celsius,
    Fahrenheit,
}

internal sealed record City(string Name, string Country, int Inhabitants);
