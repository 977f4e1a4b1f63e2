using Grpc.Core;
using Parley.Generator.Tests.Doubles;
using Wire = Parley.Generator.V1;

namespace Parley.Generator.Tests.Edge;

public sealed class ModelNamesTests
{
    private static Wire.GenerateRequest Request(string model) =>
        new() { Model = model, PromptIds = { 1 }, Sampling = new Wire.SamplingParameters { MaxTokens = 1, Temperature = 0 } };

    [Fact]
    public async Task Names_OfTheOptions_AreDescribedAndAccepted()
    {
        await using var app = await GeneratorApp.StartAsync(settings: ("Generator:ModelName", "org/house, second ,second"));

        var described = await app.Client.DescribeAsync(new Wire.DescribeRequest());
        var refused = await Assert.ThrowsAsync<RpcException>(() => app.GenerateAsync(Request("scripted")));

        Assert.Equal("org/house", described.Model);
        Assert.Equal(["second"], described.ModelAliases);
        foreach (var name in (string[])["", "org/house", "second"])
            Assert.NotNull((await app.GenerateAsync(Request(name)))[^1].Finished);
        Assert.Equal(StatusCode.NotFound, refused.StatusCode);
        Assert.Contains("'org/house'", refused.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Name_OfThePackage_IsTheDefault()
    {
        await using var app = await GeneratorApp.StartAsync();

        var described = await app.Client.DescribeAsync(new Wire.DescribeRequest());

        Assert.Equal("scripted", described.Model);
        Assert.Empty(described.ModelAliases);
    }
}
