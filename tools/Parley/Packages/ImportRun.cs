using Parley.ModelImporter;
using Spectre.Console;

namespace Parley.Cli.Packages;

/// <summary>An import with its progress shown.</summary>
internal static class ImportRun
{
    public static ImportResult WithProgress(IAnsiConsole console, ImportOptions options, CancellationToken cancellationToken) =>
        console.Progress()
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

    /// <summary>Reports where it is called: <see cref="Progress{T}"/> would report after the import is over.</summary>
    private sealed class InlineProgress(Action<ImportProgress> report) : IProgress<ImportProgress>
    {
        public void Report(ImportProgress value) => report(value);
    }
}
