using Parley.Gateway.V1;

namespace Parley.Client.Requests;

/// <summary>A request that is ready to be sent.</summary>
/// <param name="Request">The message.</param>
/// <param name="Timeout">Time for the answer, or infinite.</param>
internal sealed record ChatCall(CompleteRequest Request, TimeSpan Timeout);
