using Microsoft.ML.OnnxRuntime;

namespace Parley.Generator.Execution.Exports;

/// <summary>A binding and the slots that it has; they change seldom from step to step.</summary>
internal sealed class BoundSlots(ExportedStep step, SlotCaches caches) : IDisposable
{
    private List<OrtValue> _values = [];
    private (int First, int Count) _slots;

    public ExportedStep Step => step;

    /// <summary>Binds neighbouring slots.</summary>
    public void Bind(int first, int count)
    {
        if ((first, count) == _slots)
            return;
        var values = caches.Bind(step.Binding, first, count);
        foreach (var value in _values)
            value.Dispose();
        (_values, _slots) = (values, (first, count));
    }

    public void Dispose()
    {
        step.Dispose();
        foreach (var value in _values)
            value.Dispose();
    }
}
