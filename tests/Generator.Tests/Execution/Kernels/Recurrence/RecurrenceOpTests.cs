using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels.Recurrence;

namespace Parley.Generator.Tests.Execution.Kernels.Recurrence;

/// <summary>The recurrent operators within ONNX Runtime: what does not fit is an error that names it, and nothing is written.</summary>
public sealed class RecurrenceOpTests
{
    private const int Slots = 3;

    [Theory]
    [InlineData("delta", "key_heads", 0, "must be a multiple of key_heads 0")]
    [InlineData("delta", "value_heads", 3, "value_heads 3 must be a multiple of key_heads 2")]
    [InlineData("delta", "key_size", 512, "key_size 512")]
    [InlineData("delta", "gate_column", -1, "gate_column -1")]
    [InlineData("mamba", "groups", 3, "heads 2 must be a multiple of groups 3")]
    [InlineData("mamba", "head_size", 0, "head_size 0")]
    [InlineData("mamba", "state_size", 5000, "state_size 5000")]
    public void Load_AttributeThatDoesNotFit_IsRefused(string kind, string name, int value, string expected)
    {
        var exception = Assert.Throws<OnnxRuntimeException>(() => new Session(kind, (name, value)));

        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("delta", "state_in", "state_in of sequence 0 is 7, there are 3 slots")]
    [InlineData("delta", "state_out", "state_out of row 1 is 7, there are 3 slots")]
    [InlineData("delta", "rows", "rows have 112 columns, not 128")]
    [InlineData("delta", "gates", "gates are [2, 48], not [2, 0 + 64] or wider")]
    [InlineData("delta", "factors", "strengths and times are [2, 7], not [2, 0 + 8] or wider")]
    [InlineData("delta", "rates", "rates of decay are 3 numbers, not 4")]
    [InlineData("delta", "states", "states have 1008 numbers, not 1024")]
    [InlineData("mamba", "state_in", "state_in of sequence 0 is 7, there are 3 slots")]
    [InlineData("mamba", "rows", "rows have 48 columns, not 64")]
    [InlineData("mamba", "factors", "times are [2, 1], not [2, 0 + 2] or wider")]
    [InlineData("mamba", "states", "states have 496 numbers, not 512")]
    public void Run_InputThatDoesNotFit_IsAnErrorThatNamesIt(string kind, string input, string expected)
    {
        using var session = new Session(kind);

        var exception = Assert.Throws<OnnxRuntimeException>(() => session.Run(broken: input));

        Assert.Contains(expected, exception.Message, StringComparison.Ordinal);
        Assert.All(session.States, value => Assert.Equal(0.5f, value));
    }

    /// <summary>Two rows at once, and one behind the other by way of a slot, in place.</summary>
    [Theory]
    [InlineData("delta")]
    [InlineData("mamba")]
    public void Run_RowsOneByOne_SameBitsAsTogether(string kind)
    {
        using var together = new Session(kind);
        using var apart = new Session(kind);

        var expected = together.Run();

        Assert.DoesNotContain(expected, float.IsNaN);
        Assert.Equal(expected, apart.Run(0, 1).Concat(apart.Run(1, 1)));
        Assert.Equal(together.States, apart.States);
    }

    /// <summary>One node, of 2 key heads and 4 value heads, or of 2 heads and one group; sizes are 16.</summary>
    private sealed class Session : IDisposable
    {
        private static readonly string[] Names =
            ["rows", "gates", "factors", "biases", "rates", "skips", "norm", "states", "lengths", "state_in", "state_out"];

        private readonly InferenceSession _session;
        private readonly bool _isDelta;

        public Session(string kind, params (string Name, int Value)[] changed)
        {
            _isDelta = kind == "delta";
            States = [.. Enumerable.Repeat(0.5f, Slots * StateWidth)];
            (string Name, int Value)[] attributes = _isDelta
                ? [("key_heads", 2), ("value_heads", 4), ("key_size", 16), ("gate_column", 0)]
                : [("heads", 2), ("head_size", 16), ("state_size", 16), ("groups", 1), ("gate_column", 0)];
            var names = changed.Select(attribute => attribute.Name).ToList();
            attributes = [.. attributes.Where(attribute => !names.Contains(attribute.Name)), .. changed];
            var graph = new OnnxGraphWriter()
                .Input("rows", OnnxGraphWriter.Float, -1, -1).Input("gates", OnnxGraphWriter.Float, -1, -1)
                .Input("factors", OnnxGraphWriter.Float, -1, -1).Input("biases", OnnxGraphWriter.Float, -1)
                .Input("rates", OnnxGraphWriter.Float, -1).Input("skips", OnnxGraphWriter.Float, -1)
                .Input("norm", OnnxGraphWriter.Float, -1).Input("states", OnnxGraphWriter.Float, -1, -1)
                .Input("lengths", OnnxGraphWriter.Int32, -1).Input("state_in", OnnxGraphWriter.Int32, -1)
                .Input("state_out", OnnxGraphWriter.Int32, -1)
                .Node(
                    _isDelta ? GatedDeltaOp.OpName : MambaScanOp.OpName, CustomOpDomain.Name,
                    _isDelta ? ["rows", "gates", "factors", "biases", "rates", "norm", "states", "lengths", "state_in", "state_out"]
                        : ["rows", "gates", "factors", "biases", "rates", "skips", "norm", "states", "lengths", "state_in", "state_out"],
                    ["result"], [.. attributes.Select(attribute => (attribute.Name, (object)(long)attribute.Value))])
                .Output("result", OnnxGraphWriter.Float, -1, -1);
            using var options = OnnxRuntimeSetup.CreateSessionOptions();
            options.IntraOpNumThreads = 2;
            _session = new InferenceSession(graph.ToModel(), options);
        }

        /// <summary>All slots.</summary>
        public float[] States { get; }

        private int Heads => _isDelta ? 4 : 2;

        private int Width => 16 * Heads;

        private int RowWidth => _isDelta ? 64 + Width : Width + 32;

        private int FactorWidth => _isDelta ? 2 * Heads : Heads;

        private int StateWidth => 16 * 16 * Heads;

        /// <summary>Runs two rows, or one of them; states come from and go to the first slot.</summary>
        public float[] Run(int first = 0, int count = 2, string broken = "")
        {
            var slots = broken == "states" ? new float[Slots * (StateWidth - 16)] : States;
            using var rows = Matrix(first, count, RowWidth - (broken == "rows" ? 16 : 0));
            using var gates = Matrix(first, count, Width - (broken == "gates" ? 16 : 0));
            using var factors = Matrix(first, count, FactorWidth - (broken == "factors" ? 1 : 0));
            using var biases = Vector(Heads, 0.1f);
            using var rates = Vector(Heads - (broken == "rates" ? 1 : 0), -0.3f);
            using var skips = Vector(Heads, 0.7f);
            using var norm = Vector(_isDelta ? 16 : Width, 1.1f);
            using var states = OrtValue.CreateTensorValueFromMemory(slots, [Slots, slots.Length / Slots]);
            using var lengths = Numbers(0, count);
            using var given = Numbers(broken == "state_in" ? 7 : 0);
            using var kept = Numbers([.. Enumerable.Repeat(-1, count - 1), broken == "state_out" ? 7 : 0]);
            using var run = new RunOptions();
            using var results = _session.Run(
                run, Names, [rows, gates, factors, biases, rates, skips, norm, states, lengths, given, kept], ["result"]);
            return results[0].GetTensorDataAsSpan<float>().ToArray();
        }

        public void Dispose() => _session.Dispose();

        private static OrtValue Matrix(int first, int count, int width)
        {
            float[] values = [.. Enumerable.Range(0, count * width).Select(i => MathF.Sin((((first * width) + i) * 0.37f) + width))];
            return OrtValue.CreateTensorValueFromMemory(values, [count, width]);
        }

        private static OrtValue Vector(int count, float value)
        {
            float[] values = [.. Enumerable.Repeat(value, count)];
            return OrtValue.CreateTensorValueFromMemory(values, [count]);
        }

        private static OrtValue Numbers(params int[] numbers) => OrtValue.CreateTensorValueFromMemory(numbers, [numbers.Length]);
    }
}
