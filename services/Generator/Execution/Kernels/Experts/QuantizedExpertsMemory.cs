using Parley.Generator.Execution.Kernels.Linears;

namespace Parley.Generator.Execution.Kernels.Experts;

/// <summary>Activations of a pass at each stage of its way; a pair is a row and one of its experts.</summary>
internal readonly unsafe struct QuantizedExpertsMemory
{
    public QuantizedExpertsMemory(long rows, long pairs, QuantizedMatrix gateUp, QuantizedMatrix down, ref MemoryCursor memory)
    {
        var groups = 2L * gateUp.Inputs / gateUp.Group;
        Rounded = memory.Take<sbyte>(rows * gateUp.Inputs);
        RoundedParameters = memory.Take<float>(rows * groups);
        Gathered = memory.Take<sbyte>(pairs * gateUp.Inputs);
        GatheredParameters = memory.Take<float>(pairs * groups);
        Between = memory.Take<float>(pairs * down.Inputs);
        BetweenRounded = memory.Take<sbyte>(pairs * down.Inputs);
        BetweenParameters = memory.Take<float>(pairs * 2 * down.Inputs / down.Group);
    }

    /// <summary>The rows rounded to 8 bits [rows, hidden].</summary>
    public sbyte* Rounded { get; }

    public float* RoundedParameters { get; }

    /// <summary>The same by expert, in tiles [pairs, hidden].</summary>
    public sbyte* Gathered { get; }

    public float* GatheredParameters { get; }

    /// <summary>What the gates let through [pairs, intermediate].</summary>
    public float* Between { get; }

    /// <summary>The same rounded, in tiles.</summary>
    public sbyte* BetweenRounded { get; }

    public float* BetweenParameters { get; }
}
