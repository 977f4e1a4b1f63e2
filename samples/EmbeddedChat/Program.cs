using Microsoft.Extensions.AI;
using Parley.Embedded;

// dotnet run -c Release --project samples/EmbeddedChat -- [MODEL]; a model is a name on the Hugging Face Hub, or a path
var model = args.ElementAtOrDefault(0) ?? "HuggingFaceTB/SmolLM2-135M-Instruct";
await using var client = new ParleyChatClient(new ParleyEmbeddedOptions { Model = model, Progress = new Notes() });
var chat = new List<ChatMessage>();
try
{
    await client.StartAsync();
    Console.Write("> ");
    while (Console.ReadLine() is { Length: > 0 } line)
    {
        chat.Add(new ChatMessage(ChatRole.User, line));
        var updates = new List<ChatResponseUpdate>();
        await foreach (var update in client.GetStreamingResponseAsync(chat))
        {
            Console.Write(update.Text);
            updates.Add(update);
        }

        chat.AddMessages(updates);
        Console.Write("\n> ");
    }
}
catch (Exception exception) when (exception is ParleyStartException or Parley.Client.ParleyException)
{
    Console.Error.WriteLine($"error: {exception.Message}");
    return 1;
}

return 0;

/// <summary>Says what happens until the model is there.</summary>
internal sealed class Notes : IProgress<ParleyProgress>
{
    public void Report(ParleyProgress value)
    {
        if (value.Note is not null)
            Console.Error.WriteLine(value.Note);
    }
}
