using System.Collections.Concurrent;
using System.Globalization;
using Parley.ModelPackages;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Parley.Cli.Hub;

/// <summary>
/// The one view of what happens to a model until it is there: stages with bytes, rate and time left, and notes between them. On a terminal
/// bars that move; elsewhere a line now and then.
/// </summary>
internal sealed class ModelProgress : IModelProgress
{
    private const long QuietBytes = 1_000_000;
    private static readonly TimeSpan LineDistance = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Stage> _stages = new(StringComparer.Ordinal);
    private readonly List<ProgressTask> _waits = [];
    private readonly IAnsiConsole _console;
    private readonly ProgressContext? _bars;
    private readonly ConcurrentDictionary<int, string> _amounts;
    private readonly TimeProvider _time;

    private ModelProgress(
        IAnsiConsole console, ProgressContext? bars, ConcurrentDictionary<int, string> amounts, TimeProvider time) =>
        (_console, _bars, _amounts, _time) = (console, bars, amounts, time);

    /// <summary>Where to show it: standard error, where standard output is read by a program.</summary>
    public static IAnsiConsole ConsoleOf(IAnsiConsole console, bool outputIsJson) => outputIsJson
        ? AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) })
        : console;

    /// <summary>Shows what a piece of work reports, for as long as it runs.</summary>
    public static async Task<T> RunAsync<T>(IAnsiConsole console, TimeProvider time, Func<ModelProgress, Task<T>> work)
    {
        var amounts = new ConcurrentDictionary<int, string>();
        if (!console.Profile.Capabilities.Ansi || !console.Profile.Capabilities.Interactive)
            return await work(new ModelProgress(console, null, amounts, time));
        return await console.Progress()
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(),
                new AmountColumn(amounts))
            .StartAsync(async bars =>
            {
                var view = new ModelProgress(console, bars, amounts, time);
                var result = await work(view);
                view._waits.ForEach(wait => wait.IsIndeterminate(false).Value = wait.MaxValue);
                return result;
            });
    }

    /// <inheritdoc/>
    public void Report(string name, long done, long total)
    {
        lock (_gate)
        {
            if (total <= 0)
                return;
            if (!_stages.TryGetValue(name, out var stage) || stage.Total != total)
                _stages[name] = stage = new Stage(stage?.Bar ?? _bars?.AddTask(name), total, new TransferRate(_time), _time.GetTimestamp());
            stage.Rate.Note(done);
            if (stage.Bar is not null)
                Draw(stage, done);
            else if (done >= total ? total >= QuietBytes : _time.GetElapsedTime(stage.LineTimestamp) >= LineDistance)
                WriteLine(name, stage, done);
        }
    }

    /// <summary>A stage whose length nobody knows.</summary>
    public void Wait(string name, string sentence)
    {
        lock (_gate)
        {
            if (_bars is not null)
                _waits.Add(_bars.AddTask(name).IsIndeterminate());
            else
                Write(sentence);
        }
    }

    /// <inheritdoc/>
    public void Note(string sentence)
    {
        lock (_gate)
        {
            if (_bars is not null)
                _console.MarkupLine($"[grey]{Markup.Escape(sentence)}[/]");
            else
                Write(sentence);
        }
    }

    private void Draw(Stage stage, long done)
    {
        stage.Bar!.MaxValue = stage.Total;
        stage.Bar.Value = done;
        _amounts[stage.Bar.Id] = Amount(stage, done);
    }

    private void WriteLine(string name, Stage stage, long done)
    {
        Write(string.Create(CultureInfo.InvariantCulture, $"{name}: {100.0 * done / stage.Total:0} %, {Amount(stage, done)}"));
        stage.LineTimestamp = _time.GetTimestamp();
    }

    private static string Amount(Stage stage, long done)
    {
        var text = $"{ByteText.Of(done)} of {ByteText.Of(stage.Total)}";
        if (stage.Rate.PerSecond is not { } rate)
            return text;
        text += $", {ByteText.Of(rate)}/s";
        return done < stage.Total && stage.Rate.Left(stage.Total) is { } left ? $"{text}, {Duration(left)} left" : text;
    }

    private static string Duration(TimeSpan time) => time.TotalSeconds < 60
        ? string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(time.TotalSeconds):0} s")
        : time.TotalHours < 1
            ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalMinutes} min {time.Seconds:00} s")
            : string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h {time.Minutes:00} min");

    /// <summary>Whole lines: a console that is no terminal would wrap them at 80 columns.</summary>
    private void Write(string line)
    {
        _console.Profile.Out.Writer.WriteLine(line);
        _console.Profile.Out.Writer.Flush();
    }

    private sealed record Stage(ProgressTask? Bar, long Total, TransferRate Rate, long FirstTimestamp)
    {
        public long LineTimestamp { get; set; } = FirstTimestamp;
    }

    /// <summary>Bytes, rate and time left of a stage.</summary>
    private sealed class AmountColumn(ConcurrentDictionary<int, string> amounts) : ProgressColumn
    {
        protected override bool NoWrap => true;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
            new Text(amounts.GetValueOrDefault(task.Id, ""));
    }
}
