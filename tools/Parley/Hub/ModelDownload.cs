using Parley.ModelHub;
using Parley.ModelHub.Download;
using Parley.ModelHub.Naming;
using Parley.ModelImporter;

namespace Parley.Cli.Hub;

/// <summary>A model's name in, its checked files out; what an import would refuse is refused before its weights are fetched.</summary>
internal sealed class ModelDownload
{
    private const int FirstBytes = 1 << 20;
    private const int Growth = 4;

    private readonly HubSettings _settings;
    private readonly ModelPull _pull;
    private readonly Action<string, long, long> _report;
    private readonly Action<string> _note;
    private bool _hasFetched;

    public ModelDownload(HubAccess hub, ModelProgress view)
        : this(hub, view.Report, view.Note)
    {
    }

    /// <param name="hub">Where to fetch it from.</param>
    /// <param name="report">Told the stage, and of its bytes those that are done and all.</param>
    /// <param name="note">Told a sentence for the one who waits.</param>
    public ModelDownload(HubAccess hub, Action<string, long, long> report, Action<string> note)
    {
        (_settings, _report, _note) = (hub.Settings, report, note);
        _pull = new ModelPull(hub.Settings, hub.Http, TimeProvider.System)
        {
            Inspect = ModelCheck.CheckConfiguration,
            InspectGguf = CheckGgufAsync,
        };
    }

    /// <summary>The model as the cache holds it; null where it is not, or not wholly, there.</summary>
    /// <exception cref="HubException">What is there is damaged, and no request may be made.</exception>
    public PulledModel? FindCached(ModelReference reference, CancellationToken cancellationToken)
    {
        try
        {
            return _pull.FindCached(reference, new Inline(this), cancellationToken);
        }
        catch (HubException exception) when (!_settings.Offline)
        {
            _note(exception.Message);
            return null;
        }
    }

    /// <summary>Fetches what the cache lacks of a model.</summary>
    /// <exception cref="HubException">It could not be fetched.</exception>
    /// <exception cref="InvalidDataException">An import would refuse it.</exception>
    public async Task<PulledModel> RunAsync(ModelReference reference, CancellationToken cancellationToken)
    {
        try
        {
            return await _pull.RunAsync(reference, new Inline(this), cancellationToken);
        }
        catch (OperationCanceledException) when (_hasFetched)
        {
            _note("Stopped. What has come is kept: the same command goes on from there.");
            throw;
        }
    }

    /// <summary>Fetches what describes a model, and no weights.</summary>
    /// <exception cref="HubException">It could not be fetched.</exception>
    public Task<string> DescribeAsync(ModelReference reference, CancellationToken cancellationToken) =>
        _pull.DescribeAsync(reference, new Inline(this), cancellationToken);

    private static async Task CheckGgufAsync(string folder, IReadOnlyList<GgufBeginning> files, CancellationToken cancellationToken)
    {
        var parts = new List<(string Name, ReadOnlyMemory<byte> Beginning, long Bytes)>();
        foreach (var file in files)
        {
            var beginning = await file.ReadAsync(FirstBytes, cancellationToken);
            for (var count = FirstBytes; !ModelCheck.HoldsHeader(beginning.Span, file.Bytes);)
                beginning = await file.ReadAsync(count *= Growth, cancellationToken);
            parts.Add((file.Name, beginning, file.Bytes));
        }

        ModelCheck.CheckGguf(folder, parts);
    }

    private void Report(PullProgress progress)
    {
        if (progress.Note is { } note)
            _note(note);
        else
            _report(progress.Stage, progress.BytesDone, progress.BytesTotal);
        _hasFetched |= progress is { Stage: "download", BytesDone: > 0 };
    }

    /// <summary>Reports where it is called: <see cref="Progress{T}"/> would report after the pull is over.</summary>
    private sealed class Inline(ModelDownload download) : IProgress<PullProgress>
    {
        public void Report(PullProgress value) => download.Report(value);
    }
}
