using Microsoft.Extensions.AI;
using Parley.Client;

// dotnet run --project samples/ConsoleChat -- [ADDRESS] [KEY]; a server for it: dotnet run -c Release --project tools/Parley -- up
using var client = new ParleyChatClient(args.ElementAtOrDefault(0) ?? "http://127.0.0.1:5081", args.ElementAtOrDefault(1));
var chat = new List<ChatMessage>();
Console.Write("> ");
while (Console.ReadLine() is { Length: > 0 } line)
{
    chat.Add(new ChatMessage(ChatRole.User, line));
    var updates = new List<ChatResponseUpdate>();
    try
    {
        await foreach (var update in client.GetStreamingResponseAsync(chat))
        {
            Console.Write(update.Text);
            updates.Add(update);
        }
    }
    catch (ParleyException exception)
    {
        Console.Error.WriteLine($"error: {exception.Message}");
        return 1;
    }

    chat.AddMessages(updates);
    Console.Write("\n> ");
}

return 0;
