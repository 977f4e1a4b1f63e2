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
    private readonly List<(int Layer, int Index, LinearWeights Linear)> _order;
    private readonly Matrix _residual;
    private Matrix _inputs;
    private Matrix _normalized;
    private CalibrationMixture? _mixture;
    private Matrix _latents;
    private int _step;

    public CalibrationForward(CheckpointReader checkpoint, IReadOnlyList<int> ids)
    {
        _tensors = checkpoint.Tensors;
        _config = checkpoint.Config;
        _weights = checkpoint.Weights;
        _order = [.. _weights.Layers.SelectMany((layer, i) => layer.Walked.Select((linear, index) => (i, index, linear)))];
        _residual = Create(ids.Count, _config.Shape.HiddenSize);
        for (var token = 0; token < ids.Count; token++)
        {
            _weights.Embedding.Read(_tensors, ids[token], 0, _residual.Row(token));
            if (_config.EmbeddingScale != 1)
                TensorPrimitives.Multiply(_residual.Row(token), (float)_config.EmbeddingScale, _residual.Row(token));
        }

        _inputs = _normalized = Normalize(_weights.Layers[0].AttentionNorm, new ParallelOptions());
    }

    /// <summary>The residual stream as far as it was computed [tokens, hidden].</summary>
    public Matrix Residual => _residual;

    /// <summary>The inputs of the next linear [tokens, inputs].</summary>
    /// <exception cref="InvalidOperationException">Another linear is next.</exception>
    public Matrix Inputs(LinearWeights linear)
    {
        PassRouter(linear);
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
        PassRouter(linear);
        var (index, part, _) = _order[_step++];
        var layer = _weights.Layers[index];
        if (layer.Latent is not null && (linear.Name == layer.Qkv.Name || linear.Name == layer.Latent.QueryUp?.Name))
        {
            AdvanceLatent(index, layer, layer.Latent, linear, rounded, options);
            return;
        }

        // The expansion of queries is one more, which only some have.
        part -= layer.Latent?.QueryUp is null ? 0 : 1;
        var last = layer.Walked.Count - (layer.Latent?.QueryUp is null ? 1 : 2);
        switch (part)
        {
            case 0:
                var qkv = Create(_inputs.Rows, linear.Outputs);
                Multiply(qkv, _inputs, linear, rounded, options);
                var factors = layer.Recurrence?.Linears is [var small] ? MultiplyStored(_inputs, small, options) : default;
                _inputs = Create(_inputs.Rows, layer.AttentionOutput.Inputs);
                Mix(index, layer, qkv, factors, options);
                break;
            case 1:
                Update(linear, rounded, layer.AttentionAfterNorm, options);
                _inputs = _config.IsParallel ? _normalized : Normalize(layer.MlpNorm, options);
                break;
            case var _ when layer.Mlp is MixtureWeights mixture:
                AdvanceMixture(mixture, part - 2, linear, rounded, options);
                if (part == last)
                    Finish(index, layer.MlpAfterNorm, options);
                break;
            case var _ when part < last:
                _inputs = Activate(layer.Mlp, linear, rounded, options);
                break;
            default:
                Update(linear, rounded, layer.MlpAfterNorm, options);
                if (_step < _order.Count)
                    _inputs = _normalized = Normalize(_weights.Layers[index + 1].AttentionNorm, options);
                break;
        }
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
                new CausalAttention(_tensors, _config.Shape, _config.Layers[index], layer, WindowTokens, _config.QkvClip)
                    .Run(rows, _inputs, options);
                break;
        }
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

    /// <summary>A router is not rounded, so nobody asks for its inputs.</summary>
    private void PassRouter(LinearWeights linear)
    {
        var router = _order[_step].Linear;
        if (linear.Name == router.Name || _weights.Layers[_order[_step].Layer].Mlp is not MixtureWeights mixture
            || router != mixture.Router)
            return;
        Advance(router, ReadStored(router), new ParallelOptions());
    }

    /// <summary>Goes past the router, or a linear of an expert or of the MLP that every token goes through.</summary>
    private void AdvanceMixture(MixtureWeights mixture, int part, LinearWeights linear, Matrix rounded, ParallelOptions options)
    {
        var product = Create(_inputs.Rows, linear.Outputs);
        if (product.Rows > 0)
            Multiply(product, _inputs, linear, rounded, options);
        if (part == 0)
            _mixture = new CalibrationMixture(_tensors, mixture, _inputs, product);
        var (expert, next) = ((part - 1) / 2, part / 2);
        var isExpert = part > 0 && expert < mixture.Settings.Experts;
        if (part > 0 && part % 2 == 1)
        {
            // The shared MLP of those that have one computes what its experts do.
            _inputs = _mixture!.Gate(product);
            return;
        }

        if (isExpert)
            _mixture!.Scatter(expert, product);
        else if (part > 0)
            AddShared(mixture, product, options);
        _inputs = next < mixture.Settings.Experts ? _mixture!.Gather(next) : _mixture!.Input;
    }

    /// <summary>Adds what the MLP of every token gives, as far as its gate is open.</summary>
    private void AddShared(MixtureWeights mixture, Matrix product, ParallelOptions options)
    {
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
    private void Finish(int index, NormWeights? norm, ParallelOptions options)
    {
        var normalizer = norm is null ? null : new RowNorm(_tensors, _config.Norm, norm);
        var update = _mixture!.Update;
        Parallel.For(0, update.Rows, options, row =>
        {
            normalizer?.Apply(update.Row(row), update.Row(row), update.Columns);
            TensorPrimitives.MultiplyAdd(update.Row(row), (float)_config.ResidualScale, _residual.Row(row), _residual.Row(row));
        });
        if (_step < _order.Count)
            _inputs = _normalized = Normalize(_weights.Layers[index + 1].AttentionNorm, options);
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
