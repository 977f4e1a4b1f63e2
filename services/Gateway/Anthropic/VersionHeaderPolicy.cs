using Microsoft.AspNetCore.Routing.Matching;

namespace Parley.Gateway.Anthropic;

/// <summary>
/// Lets an endpoint be chosen only by Anthropic's clients, which name a version; others get what else is at the same address.
/// </summary>
internal sealed class VersionHeaderPolicy : MatcherPolicy, IEndpointSelectorPolicy
{
    private const string Header = "anthropic-version";

    public override int Order => 0;

    public bool AppliesToEndpoints(IReadOnlyList<Endpoint> endpoints) => endpoints.Any(IsBound);

    public Task ApplyAsync(HttpContext httpContext, CandidateSet candidates)
    {
        for (var index = 0; index < candidates.Count; index++)
        {
            if (candidates.IsValidCandidate(index) && IsBound(candidates[index].Endpoint)
                && !httpContext.Request.Headers.ContainsKey(Header))
            {
                candidates.SetValidity(index, false);
            }
        }

        return Task.CompletedTask;
    }

    private static bool IsBound(Endpoint endpoint) => endpoint.Metadata.GetMetadata<Mark>() is not null;

    /// <summary>Metadata of an endpoint that is bound to the header.</summary>
    internal sealed record Mark;
}
