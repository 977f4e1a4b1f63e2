using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Parley.Generator.Execution;
using Parley.Generator.Execution.Kernels;

namespace Parley.Generator.Tests.Execution.Kernels;

/// <summary>What a unit of a loop throws on any of ONNX Runtime's threads is an error of the run, and of this run only.</summary>
public sealed class ParallelLoopTests
{
    private const int Units = 8;

    /// <summary>Long enough that only a thread that never comes is missed; nothing is measured by it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public void Run_UnitThrowsOnAnotherThread_IsTheErrorOfTheRunAndTheSessionGoesOn()
    {
        using var session = Open();

        var exception = Assert.Throws<OnnxRuntimeException>(() => Run(session, UnitsOp.FailsElsewhere));

        Assert.Contains("Units: unit failed on another thread", exception.Message, StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(0, Units).Select(unit => 2f * unit), Run(session, UnitsOp.Doubles));
    }

    [Fact]
    public void Run_EveryUnitThrows_IsOneError()
    {
        using var session = Open();
        for (var run = 0; run < 20; run++)
        {
            var exception = Assert.Throws<OnnxRuntimeException>(() => Run(session, UnitsOp.Fails));
            Assert.Contains("unit failed", exception.Message, StringComparison.Ordinal);
        }

        Assert.Equal(Enumerable.Range(0, Units).Select(unit => 2f * unit), Run(session, UnitsOp.Doubles));
    }

    private static InferenceSession Open()
    {
        // ONNX Runtime knows the domain's name by then; this session has another domain of the same name.
        OnnxRuntimeSetup.CreateSessionOptions().Dispose();
        using var options = new SessionOptions { IntraOpNumThreads = 2 };
        OrtCustomOpApi.AddDomain(options, UnitsOp.Domain);
        return new InferenceSession(
            new OnnxGraphWriter()
                .Input("x", OnnxGraphWriter.Float, 1, -1)
                .Node("Units", CustomOpDomain.Name, ["x"], ["y"])
                .Output("y", OnnxGraphWriter.Float, 1, -1)
                .ToModel(),
            options);
    }

    /// <summary>Runs the operator on the numbers of its units, the first of which says what it is to do.</summary>
    private static float[] Run(InferenceSession session, float order)
    {
        var input = Enumerable.Range(0, Units).Select(unit => (float)unit).ToArray();
        input[0] = order;
        using var x = OrtValue.CreateTensorValueFromMemory(input, [1, Units]);
        using var run = new RunOptions();
        using var results = session.Run(run, ["x"], [x], ["y"]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }

    /// <summary>An operator whose output is twice its input, a unit for each number.</summary>
    private sealed unsafe class UnitsOp : CustomOp
    {
        public const float Doubles = 0;
        public const float Fails = -1;
        public const float FailsElsewhere = -2;

        public static IntPtr Domain { get; } = CustomOpDomain.Create(new UnitsOp());

        public override string Name => "Units";

        public override IReadOnlyList<TensorElementType> Inputs { get; } = [TensorElementType.Float];

        public override IReadOnlyList<TensorElementType> Outputs { get; } = [TensorElementType.Float];

        public override CustomOpNode CreateNode(void* info) => new Node();

        private sealed class Node : CustomOpNode
        {
            public override string ToString() => "Units";

            public override void Compute(void* context)
            {
                var shape = stackalloc long[2];
                Call call = default;
                call.Input = (float*)OrtCustomOpApi.GetInput(context, 0, new Span<long>(shape, 2));
                call.Output = (float*)OrtCustomOpApi.GetOutput(context, shape[0], shape[1]);
                call.Thread = Environment.CurrentManagedThreadId;
                using var failed = new ManualResetEventSlim();
                var handle = GCHandle.Alloc(failed);
                call.Failed = GCHandle.ToIntPtr(handle);
                try
                {
                    ParallelLoop.Run(context, &RunUnit, &call, (int)shape[1], parallel: true);
                }
                finally
                {
                    handle.Free();
                }
            }

            private static void RunUnit(void* argument, nint unit)
            {
                var call = (Call*)argument;
                if (call->Input[0] == Fails)
                    throw new InvalidOperationException("unit failed");
                if (call->Input[0] == FailsElsewhere)
                    FailElsewhere(call);
                call->Output[unit] = 2 * call->Input[unit];
            }

            /// <summary>The thread of the run waits within its unit until another has taken one and failed in it.</summary>
            private static void FailElsewhere(Call* call)
            {
                var failed = (ManualResetEventSlim)GCHandle.FromIntPtr(call->Failed).Target!;
                if (Environment.CurrentManagedThreadId != call->Thread)
                {
                    failed.Set();
                    throw new InvalidOperationException("unit failed on another thread");
                }

                if (!failed.Wait(Patience))
                    throw new InvalidOperationException("no other thread took a unit");
            }

            private struct Call
            {
                public float* Input;
                public float* Output;
                public int Thread;
                public IntPtr Failed;
            }
        }
    }
}
