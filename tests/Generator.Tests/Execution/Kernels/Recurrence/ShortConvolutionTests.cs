using Parley.Generator.Execution.Kernels.Recurrence;

namespace Parley.Generator.Tests.Execution.Kernels.Recurrence;

/// <summary>The short convolution against a plain loop, and against itself however its rows are cut.</summary>
public sealed unsafe class ShortConvolutionTests
{
    private const int Slots = 6;

    [Theory]
    [InlineData(64, 3, true, false, false)]
    [InlineData(300, 7, true, true, false)]
    [InlineData(77, 4, false, true, true)]
    [InlineData(513, 2, false, false, true)]
    public void Run_Rows_AreThoseOfAPlainLoop(int channels, int width, bool isGated, bool hasBias, bool isActivated)
    {
        var scene = new Scene(channels, width, isGated, hasBias, isActivated, rows: 23);
        var result = scene.Run([23], [-1], (_, _) => -1);

        for (var row = 0; row < 23; row++)
        {
            for (var channel = 0; channel < channels; channel++)
                Assert.Equal(scene.Expected(row, channel), result[(row * channels) + channel], 1e-5f);
        }
    }

    /// <summary>Bit for bit: the state behind a chunk is all that the next one needs.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(22)]
    public void Run_InChunks_IsTheSame(int chunk)
    {
        var scene = new Scene(300, 7, isGated: true, hasBias: true, isActivated: false, rows: 23);
        var whole = scene.Run([23], [-1], (_, _) => -1);
        var parts = new List<float>();
        for (var first = 0; first < 23; first += chunk)
        {
            var count = Math.Min(chunk, 23 - first);
            parts.AddRange(scene.From(first).Run([count], [first == 0 ? -1 : 2], (row, _) => row == count - 1 ? 2 : -1));
        }

        Assert.Equal(whole, parts);
    }

    /// <summary>A snapshot from the middle of a chunk is what the rows behind it go on from; others beside it change nothing.</summary>
    [Fact]
    public void Run_FromTheStateOfARow_BesideOthers_IsTheSame()
    {
        var scene = new Scene(130, 3, isGated: true, hasBias: false, isActivated: false, rows: 20);
        var whole = scene.Run([20], [-1], (row, _) => row switch { 4 => 1, 9 => 3, _ => -1 });

        var both = scene.From(10).Run([10, 0, 10], [3, 5, 3], (row, sequence) => (row, sequence) == (9, 2) ? 4 : -1);
        Assert.Equal(whole[(10 * 130)..(20 * 130)], both[..(10 * 130)]);

        var five = scene.From(5).Run([15], [1], (_, _) => -1);
        Assert.Equal(whole[(5 * 130)..], five);
    }

    [Fact]
    public void FindFault_SlotsAndLengthsThatAreWrong_AreNamed()
    {
        int[] lengths = [0, 2], slotsIn = [6], slotsOut = [-1, 0];
        fixed (int* sums = lengths, ins = slotsIn, outs = slotsOut)
        {
            var step = new RecurrentStep
            {
                CumulativeLengths = sums,
                StateIn = ins,
                StateOut = outs,
                SequenceCount = 1,
                RowCount = 2,
                SlotCount = Slots,
            };
            Assert.Contains("state_in of sequence 0 is 6", step.FindFault());
            slotsIn[0] = 0;
            Assert.Null(step.FindFault());
            slotsOut[1] = -2;
            Assert.Contains("state_out of row 1 is -2", step.FindFault());
            lengths[1] = 3;
            Assert.Contains("from 0 to 3, not 0 to 2", step.FindFault());
        }
    }

    private sealed class Scene
    {
        private readonly int _channels, _width, _columns, _first;
        private readonly bool _isGated, _isActivated;
        private readonly float[] _rows, _weights;
        private readonly float[]? _bias;
        private readonly float[] _states;

        public Scene(int channels, int width, bool isGated, bool hasBias, bool isActivated, int rows)
        {
            (_channels, _width, _isGated, _isActivated) = (channels, width, isGated, isActivated);
            _columns = isGated ? 3 * channels : channels;
            var random = new Random((channels * 31) + width);
            _rows = Numbers(random, rows * _columns);
            _weights = Numbers(random, width * channels);
            _bias = hasBias ? Numbers(random, channels) : null;
            // What a slot held before is nobody's.
            _states = [.. Enumerable.Repeat(float.NaN, Slots * (width - 1) * channels)];
        }

        private Scene(Scene other, int first)
        {
            (_channels, _width, _columns, _isGated, _isActivated) =
                (other._channels, other._width, other._columns, other._isGated, other._isActivated);
            (_rows, _weights, _bias, _states, _first) = (other._rows, other._weights, other._bias, other._states, first);
        }

        /// <summary>The same rows and states, but each sequence begins with a later row.</summary>
        public Scene From(int first) => new(this, first);

        public float[] Run(int[] counts, int[] slotsIn, Func<int, int, int> slotOut)
        {
            int[] lengths = [0, .. counts.Select((_, i) => counts[..(i + 1)].Sum())];
            int[] slotsOut = [.. counts.SelectMany((count, sequence) => Enumerable.Range(0, count).Select(row => slotOut(row, sequence)))];
            float[] rows = [.. counts.SelectMany(count => _rows[(_first * _columns)..((_first + count) * _columns)])];
            var output = new float[slotsOut.Length * _channels];
            fixed (float* input = rows, weights = _weights, bias = _bias, states = _states, result = output)
            fixed (int* sums = lengths, ins = slotsIn, outs = slotsOut)
            {
                var step = new ShortConvolutionStep
                {
                    Recurrent = new RecurrentStep
                    {
                        CumulativeLengths = sums,
                        StateIn = ins,
                        StateOut = outs,
                        States = states,
                        SequenceCount = counts.Length,
                        RowCount = slotsOut.Length,
                        SlotCount = Slots,
                        StateElements = (_width - 1) * _channels,
                    },
                    Rows = input,
                    Weights = weights,
                    Bias = bias,
                    Output = result,
                    Channels = _channels,
                    Width = _width,
                    RowStride = _columns,
                    IsGated = _isGated,
                    IsActivated = _isActivated,
                };
                Assert.Null(step.Recurrent.FindFault());
                for (var unit = 0; unit < step.UnitCount; unit++)
                    ShortConvolutionKernel.Run(&step, unit);
            }

            return output;
        }

        public float Expected(int row, int channel)
        {
            double sum = _bias?[channel] ?? 0;
            for (var i = 0; i < _width; i++)
            {
                var at = row - _width + 1 + i;
                if (at >= 0)
                    sum += (double)_weights[(i * _channels) + channel] * Input(at, channel);
            }

            sum = _isActivated ? sum / (1 + Math.Exp(-sum)) : sum;
            return (float)(_isGated ? sum * _rows[(row * _columns) + _channels + channel] : sum);
        }

        private double Input(int row, int channel) => _isGated
            ? (double)_rows[(row * _columns) + channel] * _rows[(row * _columns) + (2 * _channels) + channel]
            : _rows[(row * _columns) + channel];

        private static float[] Numbers(Random random, int count) =>
            [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() * 2) - 1))];
    }
}
