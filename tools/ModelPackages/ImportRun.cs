using Parley.ModelImporter;

namespace Parley.ModelPackages;

/// <summary>An import with its progress shown, and what is to be known of the checkpoint after it.</summary>
internal static class ImportRun
{
    public static ImportResult WithProgress(IModelProgress view, ImportOptions options, CancellationToken cancellationToken)
    {
        var result = ModelImport.Run(options, Reports(view), cancellationToken);
        foreach (var note in result.Notes)
            view.Note($"Note: {note}");
        return result;
    }

    /// <summary>What an import reports, for the view.</summary>
    public static IProgress<ImportProgress> Reports(IModelProgress view) =>
        new InlineProgress(report => view.Report(report.Stage, report.BytesDone, report.BytesTotal));

    /// <summary>Reports where it is called: <see cref="Progress{T}"/> would report after the import is over.</summary>
    private sealed class InlineProgress(Action<ImportProgress> report) : IProgress<ImportProgress>
    {
        public void Report(ImportProgress value) => report(value);
    }
}
