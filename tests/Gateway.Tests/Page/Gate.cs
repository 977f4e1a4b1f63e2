namespace Parley.Gateway.Tests.Page;

/// <summary>Holds a fake answer before one of its batches until a test opens it.</summary>
internal sealed class Gate(int batch)
{
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task PassAsync(int number, CancellationToken cancellationToken) =>
        number == batch ? _open.Task.WaitAsync(cancellationToken) : Task.CompletedTask;

    public void Open() => _open.SetResult();
}
