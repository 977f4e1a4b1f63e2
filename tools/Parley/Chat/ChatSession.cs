using System.Diagnostics;
using System.Globalization;
using System.Text;
using Grpc.Core;
using Parley.Cli.Hosting;
using Parley.Gateway.V1;
using Parley.Generator.V1;
using Parley.Tokenizer.V1;
using Spectre.Console;

namespace Parley.Cli.Chat;

/// <summary>The turns of one terminal chat.</summary>
internal sealed class ChatSession(
    IAnsiConsole console,
    ChatCompletion.ChatCompletionClient client,
    Termination termination,
    string? systemMessage,
    SamplingParameters sampling)
{
    private readonly Tokenizer.V1.Chat _chat = NewChat(systemMessage);

    /// <summary>Reads lines until the end of the input, /exit, or a signal at the prompt.</summary>
    public async Task<int> RunAsync()
    {
        console.MarkupLine("[grey]/new starts over, /exit ends; Ctrl-C stops an answer.[/]");
        while (!termination.Token.IsCancellationRequested)
        {
            if (!Console.IsInputRedirected)
                console.Markup("[bold blue]you[/]  ");
            var line = await ReadLineAsync();
            if (line is null or "/exit")
                break;
            if (line == "/new")
            {
                _chat.Messages.Clear();
                _chat.Messages.Add(NewChat(systemMessage).Messages);
                console.MarkupLine("[grey]A new chat.[/]");
            }
            else if (!string.IsNullOrWhiteSpace(line))
            {
                await AnswerAsync(line);
            }
        }

        return 0;
    }

    private static Tokenizer.V1.Chat NewChat(string? systemMessage)
    {
        var chat = new Tokenizer.V1.Chat();
        if (!string.IsNullOrEmpty(systemMessage))
            chat.Messages.Add(new ChatMessage { Role = "system", Content = systemMessage });
        return chat;
    }

    /// <summary>A line of the input; null at its end or at a signal. The reading thread cannot be cancelled, only left.</summary>
    private async Task<string?> ReadLineAsync()
    {
        var reading = Task.Run(Console.In.ReadLine);
        var stopped = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = termination.Token.Register(() => stopped.TrySetResult(null));
        return await await Task.WhenAny(reading, stopped.Task);
    }

    private async Task AnswerAsync(string question)
    {
        _chat.Messages.Add(new ChatMessage { Role = "user", Content = question });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(termination.Token);
        termination.OnInterrupt(() =>
        {
            stop.Cancel();
            return true;
        });
        var answer = new StringBuilder();
        try
        {
            if (!Console.IsInputRedirected)
                console.Markup("[bold green]it[/]   ");
            var summary = await StreamAsync(answer, stop.Token);
            console.WriteLine();
            console.MarkupLine($"[grey]{Markup.Escape(summary)}[/]");
            _chat.Messages.Add(new ChatMessage { Role = "assistant", Content = answer.ToString() });
        }
        catch (RpcException) when (stop.IsCancellationRequested)
        {
            console.WriteLine();
            console.MarkupLine("[yellow]stopped[/]");
            _chat.Messages.Add(new ChatMessage { Role = "assistant", Content = answer.ToString() });
        }
        catch (RpcException exception)
        {
            // The question is taken back: the next one must not stand behind one that was never answered.
            _chat.Messages.RemoveAt(_chat.Messages.Count - 1);
            console.WriteLine();
            console.MarkupLine($"[red]{exception.StatusCode}: {Markup.Escape(exception.Status.Detail)}[/]");
        }
        finally
        {
            termination.OnInterrupt(null);
        }
    }

    private async Task<string> StreamAsync(StringBuilder answer, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var first = TimeSpan.Zero;
        var summary = "";
        using var call = client.Complete(new CompleteRequest { Chat = _chat, Sampling = sampling }, cancellationToken: cancellationToken);
        await foreach (var reply in call.ResponseStream.ReadAllAsync(cancellationToken))
        {
            switch (reply.EventCase)
            {
                case CompleteResponse.EventOneofCase.Delta:
                    if (answer.Length == 0)
                        first = Stopwatch.GetElapsedTime(started);
                    answer.Append(reply.Delta.Text);
                    // Not through the console's markup: text of a model is text.
                    Console.Out.Write(reply.Delta.Text);
                    await Console.Out.FlushAsync(cancellationToken);
                    break;
                case CompleteResponse.EventOneofCase.Completed:
                    summary = Summarize(reply.Completed, first);
                    break;
                case CompleteResponse.EventOneofCase.Failed:
                    throw new RpcException(new Grpc.Core.Status(StatusCode.Unavailable, reply.Failed.Message));
            }
        }

        return summary;
    }

    private static string Summarize(CompletedEvent completed, TimeSpan first)
    {
        var seconds = completed.Timings.DecodeNanoseconds / 1e9;
        var rate = seconds > 0 ? (completed.Usage.CompletionTokens - 1) / seconds : 0;
        return string.Create(CultureInfo.InvariantCulture,
            $"{completed.Usage.PromptTokens} + {completed.Usage.CompletionTokens} tokens, first after {first.TotalMilliseconds:0} ms"
            + $", {rate:0.0} tokens/s");
    }
}
