using System.Numerics.Tensors;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Calibration;

/// <summary>
/// A forward pass over a text, linear by linear, so that each linear is rounded for the inputs that the ones before it, rounded already,
/// give it.
/// </summary>
/// <remarks>
/// One call of <see cref="Inputs"/> and one of <see cref="Advance"/> per linear, in the order of the computation: qkv, attention output,
/// those of the MLP, layer by layer. It holds the residual stream and the inputs of one linear: (hidden + its inputs) · tokens numbers.
/// </remarks>
internal sealed class CalibrationForward
{
    /// <summary>Tokens of a sequence; each begins without a past.</summary>
    public const int WindowTokens = 512;

    private readonly CheckpointTensors _tensors;
    private readonly DecoderConfig _config;
    private readonly DecoderWeights _weights;
    private readonly List<(int Layer, LinearWeights Linear, bool IsRounded)> _order;
    private readonly Matrix _residual;
    private readonly CalibrationPerLayer? _perLayer;
    private readonly Dictionary<int, Matrix> _keys = [];
    private Matrix _inputs;
    private Matrix _normalized;
    private CalibrationMixture? _mixture;
    private Matrix _latents;
    private Matrix _shared;
    private int _expertSteps;
    private int _step;

    public CalibrationForward(CheckpointReader checkpoint, IReadOnlyList<int> ids)
    {
        _tensors = checkpoint.Tensors;
        _config = checkpoint.Config;
        _weights = checkpoint.Weights;
        _order =
        [
            .. _weights.Layers.Index().SelectMany(layer => layer.Item.Walked.Select(
                linear => (layer.Index, linear, layer.Item.Rounded.Contains(linear)))),
        ];
        _residual = Create(ids.Count, _config.Shape.HiddenSize);
        for (var token = 0; token < ids.Count; token++)
        {
            _weights.Embedding.Read(_tensors, ids[token], 0, _residual.Row(token));
            if (_config.EmbeddingScale != 1)
                TensorPrimitives.Multiply(_residual.Row(token), (float)_config.EmbeddingScale, _residual.Row(token));
        }

        _perLayer = _weights.PerLayer is { } perLayer ? new CalibrationPerLayer(_tensors, _config, perLayer, ids, _residual) : null;
        _inputs = _normalized = Normalize(_weights.Layers[0].AttentionNorm, new ParallelOptions());
    }

    /// <summary>The residual stream as far as it was computed [tokens, hidden].</summary>
    public Matrix Residual => _residual;

    /// <summary>The inputs of the next linear [tokens, inputs].</summary>
    /// <exception cref="InvalidOperationException">Another linear is next.</exception>
    public Matrix Inputs(LinearWeights linear)
    {
        PassUnrounded(linear);
        var expected = _order[_step].Linear;
        return linear.Name == expected.Name ? _inputs
            : throw new InvalidOperationException($"{linear.Name} is rounded where {expected.Name} is next.");
    }

    /// <summary>Goes on past a linear.</summary>
    /// <param name="linear">The linear.</param>
    /// <param name="rounded">Its weights as they will be [outputs, inputs].</param>
    /// <param name="options">Threads and the end of the work.</param>
    public void Advance(LinearWeights linear, Matrix rounded, ParallelOptions options)
    {
        PassUnrounded(linear);
        var (index, known, _) = _order[_step++];
        var layer = _weights.Layers[index];
        if (layer.Latent is { } latent && (known == layer.Qkv || known == latent.QueryUp))
        {
            AdvanceLatent(index, layer, latent, linear, rounded, options);
        }
        else if (known == layer.Qkv)
        {
            var qkv = Create(_inputs.Rows, linear.Outputs);
            Multiply(qkv, _inputs, linear, rounded, options);
            var factors = layer.Recurrence?.Linears is [var small] ? MultiplyStored(_inputs, small, options) : default;
            _inputs = Create(_inputs.Rows, layer.AttentionOutput.Inputs);
            Mix(index, layer, qkv, factors, options);
        }
        else if (known == layer.AttentionOutput)
        {
            Update(linear, rounded, layer.AttentionAfterNorm, options);
            _inputs = _config.IsParallel ? _normalized : Normalize(layer.MlpNorm, options);
        }
        else if (known == layer.PerLayer?.Gate)
        {
            var gate = Create(_inputs.Rows, linear.Outputs);
            Multiply(gate, _inputs, linear, rounded, options);
            _inputs = _perLayer!.Open(index, gate, options);
        }
        else if (known == layer.PerLayer?.Projection)
        {
            Update(linear, rounded, layer.PerLayer.AfterNorm, options);
            EndLayer(index, options);
        }
        else
        {
            AdvanceMlp(index, layer, linear, known, rounded, options);
        }
    }

    private void AdvanceMlp(
        int index, DecoderLayerWeights layer, LinearWeights linear, LinearWeights known, Matrix rounded, ParallelOptions options)
    {
        if (layer.Mlp is MixtureWeights mixture)
        {
            AdvanceMixture(mixture, linear, known, rounded, options);
            if (known != mixture.Walked[^1])
                return;
            Finish(mixture, layer.MlpAfterNorm, options);
        }
        else if (known != layer.Mlp.Linears[^1])
        {
            _inputs = Activate(layer.Mlp, linear, rounded, options);
            return;
        }
        else
        {
            Update(linear, rounded, layer.MlpAfterNorm, options);
        }

        if (layer.PerLayer is null)
            EndLayer(index, options);
        else
            _inputs = _residual;
    }

    /// <summary>The stream goes into the next layer.</summary>
    private void EndLayer(int index, ParallelOptions options)
    {
        if (_weights.Layers[index].StreamScale is { } tensor)
        {
            var scale = new float[1];
            _tensors.Read(tensor, 0, scale);
            TensorPrimitives.Multiply(_residual.Data, scale[0], _residual.Data);
        }

        if (_step < _order.Count)
            _inputs = _normalized = Normalize(_weights.Layers[index + 1].AttentionNorm, options);
    }

    /// <summary>
    /// Goes past what makes queries and latents, or past the expansion of queries; the latents' own is not rounded for a text.
    /// </summary>
    private void AdvanceLatent(
        int index, DecoderLayerWeights layer, LatentWeights latent, LinearWeights linear, Matrix rounded, ParallelOptions options)
    {
        var product = Create(_inputs.Rows, linear.Outputs);
        Multiply(product, _inputs, linear, rounded, options);
        var queries = product;
        if (linear.Name == layer.Qkv.Name)
        {
            var width = latent.Settings.Rank + latent.Settings.RotarySize;
            queries = product.Slice(0, product.Rows, 0, product.Columns - width);
            _latents = product.Slice(0, product.Rows, product.Columns - width, width);
            if (latent.QueryNorm is { } norm)
            {
                var normalizer = new RowNorm(_tensors, LatentSettings.Norm, norm);
                _inputs = Create(queries.Rows, queries.Columns);
                for (var row = 0; row < queries.Rows; row++)
                    normalizer.Apply(queries.Row(row), _inputs.Row(row), queries.Columns);
                return;
            }
        }

        _inputs = new CalibrationLatent(_tensors, _config, index, layer, WindowTokens).Run(queries, _latents, options);
    }

    /// <summary>What stands between the first linear of a layer and the second.</summary>
    private void Mix(int index, DecoderLayerWeights layer, Matrix rows, Matrix factors, ParallelOptions options)
    {
        switch (layer.Recurrence)
        {
            case ConvolutionWeights convolution:
                new CausalConvolution(_tensors, convolution, WindowTokens).Run(rows, _inputs, options);
                break;
            case GatedDeltaWeights delta:
                new CausalDelta(_tensors, delta, _config.Norm.Epsilon, WindowTokens).Run(rows, factors, _inputs, options);
                break;
            case MambaWeights mamba:
                new CausalScan(_tensors, mamba, _config.Norm.Epsilon, WindowTokens).Run(rows, factors, _inputs, options);
                break;
            default:
                Attend(index, layer, rows, options);
                break;
        }
    }

    private void Attend(int index, DecoderLayerWeights layer, Matrix rows, ParallelOptions options)
    {
        var settings = _config.Layers[index];
        var shape = _config.Shape with { HeadSize = _config.HeadSizeOf(index), KeyValueHeads = _config.KeyValueHeadsOf(index) };
        var attention = new CausalAttention(_tensors, shape, settings, layer, WindowTokens, _config.QkvClip);
        rows = attention.Complete(rows, settings.KeysOf is { } source ? _keys[source] : default);
        attention.Run(rows, _inputs, options);
        if (!_config.Layers.Any(other => other.KeysOf == index))
            return;
        // Later layers attend to these, so they stay; queries need not.
        var kept = Create(rows.Rows, 2 * shape.KeyValueHeads * shape.HeadSize);
        for (var row = 0; row < rows.Rows; row++)
            rows.Row(row).Slice(shape.QueryHeads * shape.HeadSize, kept.Columns).CopyTo(kept.Row(row));
        _keys[index] = kept;
    }

    /// <summary>A linear that is not rounded.</summary>
    private Matrix MultiplyStored(Matrix inputs, LinearWeights linear, ParallelOptions options)
    {
        var product = Create(inputs.Rows, linear.Outputs);
        Multiply(product, inputs, linear, ReadStored(linear), options);
        return product;
    }

    private Matrix ReadStored(LinearWeights linear)
    {
        var weights = Create(linear.Outputs, linear.Inputs);
        for (var row = 0; row < linear.Outputs; row++)
            linear.Read(_tensors, row, 0, weights.Row(row));
        return weights;
    }

    /// <summary>Nobody asks for the inputs of a router, or of what is too narrow for codes.</summary>
    private void PassUnrounded(LinearWeights linear)
    {
        while (_order[_step] is { IsRounded: false, Linear: var next } && next.Name != linear.Name)
            Advance(next, ReadStored(next), new ParallelOptions());
    }

    /// <summary>Goes past the router, or a linear of an expert or of the MLP that every token goes through.</summary>
    private void AdvanceMixture(
        MixtureWeights mixture, LinearWeights linear, LinearWeights known, Matrix rounded, ParallelOptions options)
    {
        var product = Create(_inputs.Rows, linear.Outputs);
        if (product.Rows > 0)
            Multiply(product, _inputs, linear, rounded, options);
        if (known == mixture.Router)
        {
            var input = mixture.Sandwich is { } norms ? Normalize(norms.Experts, options) : _inputs;
            _mixture = new CalibrationMixture(_tensors, mixture, input, product);
            _inputs = _mixture.Gather(0);
            _expertSteps = 0;
        }
        else if (known == mixture.Shared?.Down)
        {
            AddShared(mixture, product, options);
        }
        else if (known == mixture.Shared?.GateUp || _expertSteps++ % 2 == 0)
        {
            // The MLP of every token computes what the experts do.
            _inputs = CalibrationMixture.Gate(mixture.Settings, product);
        }
        else
        {
            var expert = (_expertSteps / 2) - 1;
            _mixture!.Scatter(expert, product);
            _inputs = expert + 1 < mixture.Settings.Experts ? _mixture.Gather(expert + 1) : _mixture.Input;
        }
    }

    /// <summary>Adds what the MLP of every token gives, as far as its gate is open; in a sandwich it comes first.</summary>
    private void AddShared(MixtureWeights mixture, Matrix product, ParallelOptions options)
    {
        if (mixture.Sandwich is { } norms)
        {
            _shared = product;
            _inputs = Normalize(norms.Router, options);
            TensorPrimitives.Multiply(_inputs.Data, 1 / MathF.Sqrt(_inputs.Columns), _inputs.Data);
            return;
        }

        var update = _mixture!.Update;
        if (mixture.SharedGate is not { } linear)
        {
            TensorPrimitives.Add(update.Data, product.Data, update.Data);
            return;
        }

        var gates = MultiplyStored(_mixture.Input, linear, options);
        for (var row = 0; row < product.Rows; row++)
            TensorPrimitives.MultiplyAdd(product.Row(row), 1 / (1 + MathF.Exp(-gates.Row(row)[0])), update.Row(row), update.Row(row));
    }

    /// <summary>Adds what a mixture gives to the residual stream.</summary>
    private void Finish(MixtureWeights mixture, NormWeights? norm, ParallelOptions options)
    {
        var update = _mixture!.Update;
        if (mixture.Sandwich is { } norms)
        {
            var (experts, shared) = (
                new RowNorm(_tensors, _config.Norm, norms.ExpertsAfter), new RowNorm(_tensors, _config.Norm, norms.SharedAfter));
            Parallel.For(0, update.Rows, options, row =>
            {
                experts.Apply(update.Row(row), update.Row(row), update.Columns);
                shared.Apply(_shared.Row(row), _shared.Row(row), update.Columns);
                TensorPrimitives.Add(update.Row(row), _shared.Row(row), update.Row(row));
            });
        }

        var normalizer = norm is null ? null : new RowNorm(_tensors, _config.Norm, norm);
        Parallel.For(0, update.Rows, options, row =>
        {
            normalizer?.Apply(update.Row(row), update.Row(row), update.Columns);
            TensorPrimitives.MultiplyAdd(update.Row(row), (float)_config.ResidualScale, _residual.Row(row), _residual.Row(row));
        });
    }

    private static Matrix Create(int rows, int columns) => new(new float[checked(rows * columns)], rows, columns);

    private void Multiply(Matrix outputs, Matrix inputs, LinearWeights linear, Matrix weights, ParallelOptions options)
    {
        MatrixProduct.Add(outputs, inputs, weights.Transposed, options);
        if (!linear.HasBias)
            return;
        var bias = linear.ReadBias(_tensors);
        Parallel.For(0, outputs.Rows, options, row => TensorPrimitives.Add(outputs.Row(row), bias, outputs.Row(row)));
    }

    /// <summary>Adds a linear's outputs to the residual stream.</summary>
    private void Update(LinearWeights linear, Matrix rounded, NormWeights? norm, ParallelOptions options)
    {
        if (norm is null && _config.ResidualScale == 1)
        {
            Multiply(_residual, _inputs, linear, rounded, options);
            return;
        }

        var update = Create(_inputs.Rows, linear.Outputs);
        Multiply(update, _inputs, linear, rounded, options);
        var normalizer = norm is null ? null : new RowNorm(_tensors, _config.Norm, norm);
        Parallel.For(0, update.Rows, options, row =>
        {
            var values = update.Row(row);
            normalizer?.Apply(values, values, values.Length);
            TensorPrimitives.MultiplyAdd(values, (float)_config.ResidualScale, _residual.Row(row), _residual.Row(row));
        });
    }

    /// <summary>
    /// The first linear of an MLP and what is between it and the last, a sequence at a time: gate and up of the whole text would be the
    /// largest matrix of all.
    /// </summary>
    private Matrix Activate(MlpWeights mlp, LinearWeights linear, Matrix rounded, ParallelOptions options)
    {
        var width = mlp.Linears[^1].Inputs;
        var activated = Create(_inputs.Rows, width);
        var function = ActivationFunction.Of(_config.Activation, _tensors, mlp.Scalars);
        for (var first = 0; first < _inputs.Rows; first += WindowTokens)
        {
            var count = Math.Min(WindowTokens, _inputs.Rows - first);
            var both = Create(count, linear.Outputs);
            Multiply(both, _inputs.Slice(first, count, 0, _inputs.Columns), linear, rounded, options);
            var start = first;
            Parallel.For(0, count, options, row =>
            {
                var gate = both.Row(row)[..width];
                function(gate);
                var target = activated.Row(start + row);
                if (linear.Outputs == width)
                    gate.CopyTo(target);
                else
                    TensorPrimitives.Multiply(gate, both.Row(row)[width..], target);
            });
        }

        return activated;
    }

    private Matrix Normalize(NormWeights? norm, ParallelOptions options)
    {
        var normalized = Create(_residual.Rows, _residual.Columns);
        var normalizer = norm is null ? null : new RowNorm(_tensors, _config.Norm, norm);
        Parallel.For(0, _residual.Rows, options, row =>
        {
            if (normalizer is null)
                _residual.Row(row).CopyTo(normalized.Row(row));
            else
                normalizer.Apply(_residual.Row(row), normalized.Row(row), _residual.Columns);
        });
        return normalized;
    }
}
