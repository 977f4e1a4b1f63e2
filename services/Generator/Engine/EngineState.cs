namespace Parley.Generator.Engine;

/// <summary>Where the engine's thread stands. <c>Loading → Ready → Draining → Stopped</c>; Unhealthy is for good.</summary>
internal enum EngineState
{
    /// <summary>The model is read and warmed up.</summary>
    Loading,

    Ready,

    /// <summary>Finishes what it has.</summary>
    Draining,

    /// <summary>Must be restarted; <see cref="EngineHost.UnhealthyReason"/> says why. The process stays, to say so.</summary>
    Unhealthy,

    Stopped,
}
