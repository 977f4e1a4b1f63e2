using Parley.Generator.Sequences;

namespace Parley.Generator.Sampling;

/// <summary>No token can be chosen for a sequence: whose fault that is, and what its caller is told.</summary>
internal sealed class SamplingException(FailureReason reason, string message) : Exception(message)
{
    /// <summary><see cref="FailureReason.ModelFault"/> or <see cref="FailureReason.NothingToChoose"/>.</summary>
    public FailureReason Reason => reason;
}
