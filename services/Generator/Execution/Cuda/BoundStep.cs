using System.Globalization;
using Microsoft.ML.OnnxRuntime;

namespace Parley.Generator.Execution.Cuda;

/// <summary>
/// An I/O binding: caches bound once, the tensors of a step bound anew only where their view has changed. Each captured graph has one of
/// its
/// own, which never changes.
/// </summary>
internal sealed class BoundStep : IDisposable
{
    private readonly OrtIoBinding _binding;
    private readonly Func<TensorBinding, OrtValue> _view;
    private readonly Dictionary<string, (TensorBinding Tensor, OrtValue Value)> _values = new(StringComparer.Ordinal);

    /// <param name="session">The model.</param>
    /// <param name="caches">What stays bound.</param>
    /// <param name="view">Makes a tensor over its place.</param>
    /// <param name="graphId">The captured graph, or <see cref="GraphBuckets.Eager"/>.</param>
    /// <param name="queued">Whether a run may return before the device is done: copies behind it are in its stream.</param>
    public BoundStep(
        InferenceSession session, IReadOnlyList<TensorBinding> caches, Func<TensorBinding, OrtValue> view, int graphId, bool queued)
    {
        _binding = session.CreateIoBinding();
        _view = view;
        foreach (var cache in caches)
            Bind(cache);
        Options.AddRunConfigEntry("gpu_graph_id", graphId.ToString(CultureInfo.InvariantCulture));
        Options.AddRunConfigEntry("disable_synchronize_execution_providers", queued ? "1" : "0");
    }

    public RunOptions Options { get; } = new();

    /// <summary>The layout that is bound.</summary>
    public BindingPlan Plan { get; private set; } = null!;

    public StepSize Size { get; private set; }

    /// <summary>Binds a step's tensors.</summary>
    public void Bind(BindingPlan plan, StepSize size)
    {
        foreach (var tensor in plan.Tensors)
        {
            if (!_values.TryGetValue(tensor.Name, out var bound) || !bound.Tensor.IsSameView(tensor))
                Bind(tensor);
        }

        (Plan, Size) = (plan, size);
    }

    public void Run(InferenceSession session) => session.RunWithBinding(Options, _binding);

    public void Dispose()
    {
        // The binding refers to the values.
        _binding.Dispose();
        foreach (var (_, value) in _values.Values)
            value.Dispose();
        _values.Clear();
        Options.Dispose();
    }

    private void Bind(TensorBinding tensor)
    {
        var value = _view(tensor);
        if (tensor.IsOutput)
            _binding.BindOutput(tensor.Name, value);
        else
            _binding.BindInput(tensor.Name, value);
        if (tensor.Alias is not null)
            _binding.BindOutput(tensor.Alias, value);
        if (_values.Remove(tensor.Name, out var old))
            old.Value.Dispose();
        _values.Add(tensor.Name, (tensor, value));
    }
}
