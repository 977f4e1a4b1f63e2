using System.Numerics.Tensors;
using Parley.ModelImporter.Architectures;
using Parley.ModelImporter.Safetensors;

namespace Parley.ModelImporter.Calibration;

/// <summary>Which rows of a text go to which experts of a layer, and what the experts make of them.</summary>
internal sealed class CalibrationMixture
{
    private readonly MixtureSettings _settings;
    private readonly List<(int Row, float Weight)>[] _rows;
    private readonly float[] _correction;
    private readonly float[] _scales;

    /// <param name="tensors">The checkpoint.</param>
    /// <param name="mixture">The weights.</param>
    /// <param name="input">What experts read [tokens, hidden].</param>
    /// <param name="logits">The router's [tokens, experts].</param>
    public CalibrationMixture(CheckpointTensors tensors, MixtureWeights mixture, Matrix input, Matrix logits)
    {
        (_settings, Input) = (mixture.Settings, input);
        _correction = new float[_settings.Experts];
        if (mixture.Correction is not null)
            tensors.Read(mixture.Correction, 0, _correction);
        _scales = new float[_settings.Experts];
        _scales.AsSpan().Fill(1);
        if (mixture.ExpertScales is not null)
            tensors.Read(mixture.ExpertScales, 0, _scales);
        _rows = [.. Enumerable.Range(0, _settings.Experts).Select(_ => new List<(int, float)>())];
        Update = new Matrix(new float[input.Data.Length], input.Rows, input.Columns);
        for (var row = 0; row < logits.Rows; row++)
            Route(row, logits.Row(row));
    }

    /// <summary>What experts read [tokens, hidden].</summary>
    public Matrix Input { get; }

    /// <summary>What they add to the residual stream, as far as it was computed.</summary>
    public Matrix Update { get; }

    /// <summary>The rows that an expert is given [its tokens, hidden].</summary>
    public Matrix Gather(int expert)
    {
        var rows = _rows[expert];
        var gathered = new Matrix(new float[rows.Count * Input.Columns], rows.Count, Input.Columns);
        foreach (var (i, (row, _)) in rows.Index())
            Input.Row(row).CopyTo(gathered.Row(i));
        return gathered;
    }

    /// <summary>Adds what an expert gives.</summary>
    /// <param name="expert">The expert.</param>
    /// <param name="outputs">Of its rows [its tokens, hidden].</param>
    public void Scatter(int expert, Matrix outputs)
    {
        foreach (var (i, (row, weight)) in _rows[expert].Index())
            TensorPrimitives.MultiplyAdd(outputs.Row(i), weight, Update.Row(row), Update.Row(row));
    }

    /// <summary>The function between the linears of an expert.</summary>
    /// <param name="settings">Which function.</param>
    /// <param name="both">Gate and up [tokens, 2 · width].</param>
    public static Matrix Gate(MixtureSettings settings, Matrix both)
    {
        var width = both.Columns / 2;
        var gated = new Matrix(new float[both.Rows * width], both.Rows, width);
        for (var row = 0; row < both.Rows; row++)
        {
            var gate = both.Row(row)[..width];
            var up = both.Row(row)[width..];
            var target = gated.Row(row);
            if (settings.IsClamped)
            {
                for (var i = 0; i < width; i++)
                    target[i] = Clamped(settings, gate[i], up[i]);
                continue;
            }

            ActivationFunction.Apply(settings.Activation, gate);
            TensorPrimitives.Multiply(gate, up, target);
        }

        return gated;
    }

    private static float Clamped(MixtureSettings settings, float gate, float up)
    {
        var limit = (float)settings.Limit;
        gate = MathF.Min(gate, limit);
        return gate / (1 + MathF.Exp(-(float)settings.Alpha * gate)) * (Math.Clamp(up, -limit, limit) + 1);
    }

    private void Route(int row, ReadOnlySpan<float> logits)
    {
        var scores = logits.ToArray();
        switch (_settings.Scoring)
        {
            case RouterScoring.SoftmaxOfAll:
                TensorPrimitives.SoftMax(scores, scores);
                break;
            case RouterScoring.Sigmoid:
                TensorPrimitives.Sigmoid(scores, scores);
                break;
        }

        var choice = scores.Zip(_correction, (score, more) => score + more).ToArray();
        if (_settings.Groups > 1)
            KeepGroups(choice);
        var chosen = Best(choice, _settings.Chosen);
        var weights = chosen.Select(expert => scores[expert]).ToArray();
        if (_settings.Scoring == RouterScoring.SoftmaxOfChosen)
            TensorPrimitives.SoftMax(weights, weights);
        var sum = _settings.Normalizes ? weights.Sum() + (float)_settings.NormalizeEpsilon : 1;
        foreach (var (expert, weight) in chosen.Zip(weights))
            _rows[expert].Add((row, weight / sum * (float)_settings.Scale * _scales[expert]));
    }

    private void KeepGroups(float[] choice)
    {
        var size = _settings.Experts / _settings.Groups;
        var scores = Enumerable.Range(0, _settings.Groups)
            .Select(group => choice.AsSpan(group * size, size).ToArray().OrderDescending().Take(_settings.GroupBest).Sum()).ToArray();
        foreach (var group in Enumerable.Range(0, _settings.Groups).Except(Best(scores, _settings.GroupsChosen)))
            choice.AsSpan(group * size, size).Fill(float.NegativeInfinity);
    }

    private static int[] Best(float[] scores, int count) =>
        [.. Enumerable.Range(0, scores.Length).OrderByDescending(i => scores[i]).ThenBy(i => i).Take(count)];
}
