using Parley.Gateway.Tests.Doubles;
using Parley.TestSupport;

namespace Parley.Gateway.Tests.ApiDescription;

/// <summary>The document by the rules of a linter that others use.</summary>
public sealed class LinterTests
{
    [Fact]
    public async Task Document_ByRedocly_HasNoFault()
    {
        await using var host = await GatewayHost.StartAsync(onSockets: true);

        var problems = await NodeClient.LintAsync("Gateway.Tests/ApiDescription/lint.mjs", host.Http1.Base());

        var found = problems.EnumerateArray().Select(problem => string.Join(' ', problem.EnumerateArray()));
        Assert.True(!found.Any(), string.Join("\n", found));
    }
}
