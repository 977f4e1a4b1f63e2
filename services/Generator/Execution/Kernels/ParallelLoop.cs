using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Parley.Generator.Execution.Kernels;

/// <summary>Loops on the session's own threads whose bodies may throw: the first error waits for the end of the loop.</summary>
internal static unsafe class ParallelLoop
{
    /// <summary>Runs the body for 0 to <paramref name="count"/> − 1.</summary>
    /// <param name="context">Context of the node.</param>
    /// <param name="body">Takes the arguments and an index.</param>
    /// <param name="arguments">Handed to each call.</param>
    /// <param name="count">Number of calls.</param>
    /// <param name="parallel">Whether the work is worth waking other threads.</param>
    public static void Run(void* context, delegate*<void*, nint, void> body, void* arguments, int count, bool parallel)
    {
        if (!parallel || count == 1)
        {
            for (var i = 0; i < count; i++)
                body(arguments, i);
            return;
        }

        var state = new State { Body = body, Arguments = arguments };
        OrtCustomOpApi.ParallelFor(context, &RunUnit, count, &state);
        if (state.Error == 0)
            return;
        var error = GCHandle.FromIntPtr(state.Error);
        var exception = (Exception)error.Target!;
        error.Free();
        throw new InvalidOperationException(exception.Message, exception);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void RunUnit(void* argument, nuint unit)
    {
        var state = (State*)argument;
        try
        {
            state->Body(state->Arguments, (nint)unit);
        }
        catch (Exception exception)
        {
            // The callback returns nothing.
            var handle = GCHandle.Alloc(exception);
            if (Interlocked.CompareExchange(ref state->Error, GCHandle.ToIntPtr(handle), 0) != 0)
                handle.Free();
        }
    }

    private struct State
    {
        public delegate*<void*, nint, void> Body;
        public void* Arguments;
        public IntPtr Error;
    }
}
