using System.Globalization;
using Parley.Generator.V1;
using Parley.ServiceDefaults;

namespace Parley.Cli.Hosting;

/// <summary>What a running Generator says of its model, in one line.</summary>
internal static class ServedModel
{
    public static async Task<string> DescribeAsync(Uri generator, CancellationToken cancellationToken)
    {
        using var channel = GrpcClientDefaults.CreateChannel(generator);
        var client = new Generation.GenerationClient(channel);
        var model = await client.DescribeAsync(new DescribeRequest(), cancellationToken: cancellationToken);
        var aliases = model.ModelAliases.Count > 0 ? $", also {string.Join(", ", model.ModelAliases)}" : "";
        var size = string.Create(CultureInfo.InvariantCulture, $"{model.Parameters / 1e6:0.0} M parameters");
        return $"{model.Model}{aliases} ({model.Architecture}, {size}, {model.Precision}) on {model.Device}";
    }
}
