using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace Parley.Aspire.Tests;

/// <summary>
/// What a resource would be started with, its references in the manifest's words: <c>{chat.bindings.http.targetPort}</c>.
/// </summary>
internal static class ResourceText
{
    public static async Task<string> ArgumentsAsync(IResource resource)
    {
        var context = new CommandLineArgsCallbackContext([], resource) { ExecutionContext = Run };
        foreach (var annotation in resource.Annotations.OfType<CommandLineArgsCallbackAnnotation>())
            await annotation.Callback(context);
        return string.Join(' ', context.Args.Select(Text));
    }

    public static async Task<IReadOnlyDictionary<string, string>> EnvironmentAsync(IResource resource)
    {
        var context = new EnvironmentCallbackContext(Run, resource);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentCallbackAnnotation>())
            await annotation.Callback(context);
        return context.EnvironmentVariables.ToDictionary(variable => variable.Key, variable => Text(variable.Value));
    }

    private static DistributedApplicationExecutionContext Run { get; } = new(DistributedApplicationOperation.Run);

    private static string Text(object value) => value is IManifestExpressionProvider reference ? reference.ValueExpression : $"{value}";
}
