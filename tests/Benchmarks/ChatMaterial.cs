using Parley.Tokenizer.V1;

namespace Parley.Benchmarks;

/// <summary>A model folder with the Llama 3 vocabulary and the Llama 3.1 template, and a chat of about 300 tokens.</summary>
internal sealed class ChatMaterial
{
    public ChatMaterial()
    {
        File.WriteAllBytes(Path.Combine(Folder, "tokenizer.json"), Material.ReadJson(Material.Llama3));
        File.WriteAllText(Path.Combine(Folder, "chat_template.jinja"), Material.Template());
        File.WriteAllText(Path.Combine(Folder, "tokenizer_config.json"), """{"bos_token": "<|begin_of_text|>"}""");
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("parley-benchmarks-").FullName;

    public EncodeChatRequest Request { get; } = new()
    {
        Chat = new Chat
        {
            Messages =
            {
                new ChatMessage { Role = "system", Content = "You are a careful assistant who answers in a few short sentences." },
                new ChatMessage { Role = "user", Content = Material.ChatMessage },
                new ChatMessage { Role = "assistant", Content = "Splitting allocates an array and a string per field: use spans." },
                new ChatMessage { Role = "user", Content = "And how do I count without a string per word? " + Material.ChatMessage },
            },
        },
    };

    public void Delete() => Directory.Delete(Folder, recursive: true);
}
