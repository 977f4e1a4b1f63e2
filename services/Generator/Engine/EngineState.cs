namespace Parley.Generator.Engine;

/// <summary>Where the engine's thread stands. <c>Loading → Ready → Draining → Stopped</c>; Unhealthy is for good.</summary>
internal enum EngineState
{
    /// <summary>The model is read and warmed up.</summary>
    Loading,

    Ready,

    /// <summary>Finishes what it has.</summary>
    Draining,

    /// <summary>Must be restarted.</summary>
    Unhealthy,

    Stopped,
}
