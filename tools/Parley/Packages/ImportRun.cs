using Parley.ModelImporter;
using Spectre.Console;

namespace Parley.Cli.Packages;

/// <summary>An import with its progress shown, and what is to be known of the checkpoint after it.</summary>
internal static class ImportRun
{
    public static ImportResult WithProgress(IAnsiConsole console, ImportOptions options, CancellationToken cancellationToken)
    {
        var result = console.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                var tasks = new Dictionary<string, ProgressTask>();
                var progress = new InlineProgress(report =>
                {
                    lock (tasks)
                    {
                        if (!tasks.TryGetValue(report.Stage, out var task))
                            tasks[report.Stage] = task = context.AddTask(report.Stage, maxValue: Math.Max(1, report.BytesTotal));
                        task.Value = report.BytesDone;
                    }
                });
                return ModelImport.Run(options, progress, cancellationToken);
            });
        foreach (var note in result.Notes)
            console.MarkupLine($"[yellow]Note:[/] {Markup.Escape(note)}");
        return result;
    }

    /// <summary>Reports where it is called: <see cref="Progress{T}"/> would report after the import is over.</summary>
    private sealed class InlineProgress(Action<ImportProgress> report) : IProgress<ImportProgress>
    {
        public void Report(ImportProgress value) => report(value);
    }
}
