using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;

namespace Parley.Aspire.Hosting;

/// <summary>What an app host says of a server, as the command line and the variables of <c>parley up</c>.</summary>
internal sealed class ParleySetup
{
    private const string CudaDefaultPrecision = "bf16";

    public required ParleyProgram Program { get; set; }

    public string? Model { get; set; }

    public string? Precision { get; private set; }

    public int? GpuDevice { get; private set; }

    public string? CudaLibraryPath { get; private set; }

    public string? ServedName { get; set; }

    public int? ContextTokens { get; set; }

    public int? Threads { get; set; }

    public string? StorePath { get; set; }

    public ParameterResource? ApiKey { get; set; }

    public ParameterResource? HubToken { get; set; }

    /// <exception cref="ArgumentException">There is no such precision, or it is not for the device.</exception>
    public void SetPrecision(string precision)
    {
        if (!Precisions.Cpu.Contains(precision) && !Precisions.Cuda.Contains(precision))
        {
            throw new ArgumentException(
                $"'{precision}' is no precision; it is {Listed(Precisions.Cpu)}, or {Listed(Precisions.Cuda)} on a GPU.",
                nameof(precision));
        }

        if (GpuDevice is not null)
            RequireForGpu(precision, nameof(precision));
        Precision = precision;
    }

    /// <exception cref="ArgumentException">The precision that was given before is not for a GPU.</exception>
    public void SetGpu(int device, string? libraryPath)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(device);
        if (Precision is not null)
            RequireForGpu(Precision, nameof(device));
        (GpuDevice, CudaLibraryPath) = (device, libraryPath);
    }

    /// <summary>The arguments of a process, behind what the program itself needs.</summary>
    public void WriteArguments(CommandLineArgsCallbackContext context)
    {
        var resource = (IResourceWithEndpoints)context.Resource;
        var arguments = context.Args;
        foreach (var argument in Program.Arguments)
            arguments.Add(argument);
        // What is worth seeing is chosen where it is shown.
        Add(arguments, "up", "--verbose");
        Add(arguments, "--http-port", resource.GetEndpoint(ParleyResource.HttpEndpointName).Property(EndpointProperty.TargetPort));
        Add(arguments, "--grpc-port", resource.GetEndpoint(ParleyResource.GrpcEndpointName).Property(EndpointProperty.TargetPort));
        if (Model is not null)
            Add(arguments, "--model", Model);
        if ((Precision ?? (GpuDevice is null ? null : CudaDefaultPrecision)) is { } precision)
            Add(arguments, "--precision", precision);
        if (ContextTokens is { } tokens)
            Add(arguments, "--context", Text(tokens));
        if (Threads is { } threads)
            Add(arguments, "--threads", Text(threads));
        if (ServedName is not null)
            Add(arguments, "--name", ServedName);
    }

    /// <summary>The variables of a process.</summary>
    /// <exception cref="DistributedApplicationException">The key cannot stand in a connection string or in a header.</exception>
    public async Task WriteEnvironmentAsync(EnvironmentCallbackContext context)
    {
        var variables = context.EnvironmentVariables;
        if (ApiKey is not null && context.ExecutionContext.IsRunMode)
            RequireKey(ApiKey, await ApiKey.GetValueAsync(context.CancellationToken).ConfigureAwait(false));
        // Empty where none is wanted: the app host's own variable, which is for some other server, would be inherited.
        variables["PARLEY_API_KEY"] = ApiKey is null ? "" : ApiKey;
        if (HubToken is not null)
            variables["HF_TOKEN"] = HubToken;
        if (StorePath is not null)
        {
            variables["XDG_CACHE_HOME"] = StorePath;
            variables["HF_HUB_CACHE"] = Path.Combine(StorePath, "huggingface", "hub");
        }

        if (GpuDevice is not { } device)
            return;
        var index = context.Resource is ParleyReplicaResource replica ? replica.Index : 0;
        variables["Generator__Device"] = "cuda";
        variables["Generator__Cuda__DeviceId"] = Text(device + index);
        if (CudaLibraryPath is not null)
            variables["Generator__Cuda__LibraryPath"] = CudaLibraryPath;
    }

    private static void RequireForGpu(string precision, string parameter)
    {
        if (!Precisions.Cuda.Contains(precision))
            throw new ArgumentException($"Precision '{precision}' is for the CPU; on a GPU it is {Listed(Precisions.Cuda)}.", parameter);
    }

    private static void RequireKey(ParameterResource parameter, string? key)
    {
        if (string.IsNullOrEmpty(key))
            throw new DistributedApplicationException($"The parameter '{parameter.Name}' is the key of callers and is empty.");
        if (key.Any(letter => letter is <= ' ' or > '~' or ';'))
        {
            throw new DistributedApplicationException(
                $"The parameter '{parameter.Name}' is the key of callers; a key is printable ASCII without blanks and ';'.");
        }
    }

    private static void Add(IList<object> arguments, string option, object value)
    {
        arguments.Add(option);
        arguments.Add(value);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Listed(IReadOnlyList<string> names) => $"{string.Join(", ", names.SkipLast(1))} or {names[^1]}";
}
