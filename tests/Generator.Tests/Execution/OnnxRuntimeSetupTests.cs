using Microsoft.ML.OnnxRuntime;
using Parley.Generator.Execution;

namespace Parley.Generator.Tests.Execution;

public sealed class OnnxRuntimeSetupTests
{
    /// <summary>Two sessions that were the first with our domain, made at once, failed one of them.</summary>
    [Fact]
    public void CreateSessionOptions_ManySessionsAtOnce_AllAreMade()
    {
        var model = new OnnxGraphWriter()
            .Input("x", OnnxGraphWriter.Float, 1)
            .Node("Identity", "", ["x"], ["y"])
            .Output("y", OnnxGraphWriter.Float, 1)
            .ToModel();

        Parallel.For(0, 16, _ =>
        {
            using var options = OnnxRuntimeSetup.CreateSessionOptions();
            using var session = new InferenceSession(model, options);
            Assert.Equal(["x"], session.InputNames);
        });
    }
}
