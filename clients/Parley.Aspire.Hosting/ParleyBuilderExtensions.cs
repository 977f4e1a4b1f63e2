using Aspire.Hosting.ApplicationModel;
using Parley.Aspire.Hosting;

namespace Aspire.Hosting;

/// <summary>Adds Parley servers to an app host.</summary>
public static class ParleyBuilderExtensions
{
    private const string ExecutableSetting = "Parley:Executable";
    private const string HealthPath = "/health";
    private const int ReplicasMost = 64;

    /// <summary>
    /// Adds a server with a model: the process of <c>parley up</c>, on loopback, with the endpoints <c>http</c> and <c>grpc</c>. Who waits
    /// for it waits until it answers, so also until its model was fetched and imported. Traces, metrics and logs go to the dashboard.
    /// </summary>
    /// <param name="builder">The app host's builder.</param>
    /// <param name="name">Name of the resource, and of the connection string for who refers to it.</param>
    /// <param name="httpPort">Port of page and OpenAI's HTTP. Default a free one.</param>
    /// <param name="grpcPort">Port of gRPC. Default a free one.</param>
    /// <returns>The server's builder.</returns>
    /// <remarks>
    /// The program is the one of <see cref="WithExecutable"/>, else of the app host's setting <c>Parley:Executable</c>, else the tool
    /// <c>parley</c> of the nearest tool manifest, else <c>parley</c> on PATH. Without a model the bundled demo model is served.
    /// </remarks>
    public static IResourceBuilder<ParleyResource> AddParley(
        this IDistributedApplicationBuilder builder, [ResourceName] string name, int? httpPort = null, int? grpcPort = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        var folder = builder.AppHostDirectory;
        var searched = ParleyProgram.SearchedFolders();
        var program = builder.Configuration[ExecutableSetting] is { Length: > 0 } path
            ? ParleyProgram.At(path, folder, searched) : ParleyProgram.Find(folder, searched);
        var resource = new ParleyResource(name, program, folder);
        return AddProcess(builder.AddResource(resource), httpPort, grpcPort)
            .WithArgs(context => resource.Setup.WriteArguments(context))
            .WithEnvironment(resource.Setup.WriteEnvironmentAsync)
            .OnBeforeResourceStarted((started, _, _) => started.Setup.Program.Fault is { } fault
                ? throw new DistributedApplicationException($"'{started.Name}' cannot be started. {fault}") : Task.CompletedTask);
    }

    /// <summary>Says which model is served.</summary>
    /// <param name="builder">The server's builder.</param>
    /// <param name="model">
    /// A name on the Hugging Face Hub, <c>org/model[@revision][:VARIANT]</c>, or the path of a Hugging Face folder, a <c>.gguf</c> file or
    /// a package; a relative one starts from the app host's folder.
    /// </param>
    /// <returns>The same builder.</returns>
    public static IResourceBuilder<ParleyResource> WithModel(this IResourceBuilder<ParleyResource> builder, string model)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(model);
        if (model.StartsWith('-'))
            throw new ArgumentException($"'{model}' is an option and no model.", nameof(model));
        builder.Resource.Setup.Model = model;
        return builder;
    }

    /// <summary>Says to which precision the model is imported.</summary>
    /// <param name="builder">The server's builder.</param>
    /// <param name="precision">
    /// fp32, int8, w8a8 or int4; bf16, fp16 or int4-fp16 on a GPU. Without it int8, or int4 where the weights lie on such a grid; on a
    /// GPU bf16.
    /// </param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentException">There is no such precision, or it is not for the device.</exception>
    public static IResourceBuilder<ParleyResource> WithPrecision(this IResourceBuilder<ParleyResource> builder, string precision)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(precision);
        builder.Resource.Setup.SetPrecision(precision);
        return builder;
    }

    /// <summary>Serves on a GPU of NVIDIA's; needs a build of the command line with ONNX Runtime for CUDA (docs/cuda.md).</summary>
    /// <param name="builder">The server's builder.</param>
    /// <param name="device">The GPU's number, from 0; each replica takes the next one.</param>
    /// <param name="libraryPath">Folders of CUDA's libraries, joined by colons. Default where the system's loader looks.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentException">The precision that was given before is not for a GPU.</exception>
    public static IResourceBuilder<ParleyResource> WithGpu(
        this IResourceBuilder<ParleyResource> builder, int device = 0, string? libraryPath = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Resource.Setup.SetGpu(device, libraryPath);
        return builder;
    }

    /// <summary>
    /// Serves the model from several processes: <c>NAME</c>, and <c>NAME-2</c>, <c>NAME-3</c> and so on, which start once the first one
    /// has the model. The connection string names the gRPC of all of them, and a client sends requests to each in turn.
    /// </summary>
    /// <param name="builder">The server's builder.</param>
    /// <param name="replicas">How many, the first one included: 1 to 64. Processes of one CPU share it.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="InvalidOperationException">It was said before.</exception>
    public static IResourceBuilder<ParleyResource> WithReplicas(this IResourceBuilder<ParleyResource> builder, int replicas)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentOutOfRangeException.ThrowIfLessThan(replicas, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(replicas, ReplicasMost);
        var first = builder.Resource;
        if (first.Replicas.Count > 0)
            throw new InvalidOperationException($"'{first.Name}' has {first.Replicas.Count + 1} replicas already.");
        for (var index = 1; index < replicas; index++)
        {
            var replica = new ParleyReplicaResource(first, index);
            first.Add(replica);
            AddProcess(builder.ApplicationBuilder.AddResource(replica), null, null)
                .WithArgs(context => ReplayAsync(first, context))
                .WithEnvironment(context => ReplayAsync(first, context))
                .WithParentRelationship(builder)
                .WaitFor(builder);
        }

        return builder;
    }

    /// <summary>Asks callers for a key, which the connection string carries.</summary>
    /// <param name="builder">The server's builder.</param>
    /// <param name="key">The secret parameter: printable ASCII without blanks and ';'.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentException">The parameter is no secret.</exception>
    public static IResourceBuilder<ParleyResource> WithApiKey(
        this IResourceBuilder<ParleyResource> builder, IResourceBuilder<ParameterResource> key)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Resource.Setup.ApiKey = SecretOf(key, nameof(key));
        return builder;
    }

    /// <summary>Gives the token of the Hugging Face Hub, for models that are not everyone's.</summary>
    /// <param name="builder">The server's builder.</param>
    /// <param name="token">The secret parameter.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentException">The parameter is no secret.</exception>
    public static IResourceBuilder<ParleyResource> WithHubToken(
        this IResourceBuilder<ParleyResource> builder, IResourceBuilder<ParameterResource> token)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Resource.Setup.HubToken = SecretOf(token, nameof(token));
        return builder;
    }

    /// <summary>Says where models that were fetched and packages that were made of them are kept.</summary>
    /// <param name="builder">The server's builder.</param>
    /// <param name="path">
    /// The folder; a relative one starts from the app host's. Default the user's own, which <c>parley up</c> has too.
    /// </param>
    /// <returns>The same builder.</returns>
    public static IResourceBuilder<ParleyResource> WithModelStore(this IResourceBuilder<ParleyResource> builder, string path)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        builder.Resource.Setup.StorePath = Path.GetFullPath(path, builder.ApplicationBuilder.AppHostDirectory);
        return builder;
    }

    /// <summary>Serves the model under another name than its own; the connection string then names it.</summary>
    /// <param name="builder">The server's builder.</param>
    /// <param name="name">The name, without ',', ';' and blanks.</param>
    /// <returns>The same builder.</returns>
    public static IResourceBuilder<ParleyResource> WithServedName(this IResourceBuilder<ParleyResource> builder, string name)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.StartsWith('-') || name.Any(letter => letter is <= ' ' or ',' or ';' or '{' or '}'))
            throw new ArgumentException($"'{name}' is no name: it has a blank, ',', ';' or braces, or begins with '-'.", nameof(name));
        builder.Resource.Setup.ServedName = name;
        return builder;
    }

    /// <summary>Says how many positions are served, prompt and answer together.</summary>
    /// <param name="builder">The server's builder.</param>
    /// <param name="tokens">Positions, at least 1. Default the importer's.</param>
    /// <returns>The same builder.</returns>
    public static IResourceBuilder<ParleyResource> WithContext(this IResourceBuilder<ParleyResource> builder, int tokens)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentOutOfRangeException.ThrowIfLessThan(tokens, 1);
        builder.Resource.Setup.ContextTokens = tokens;
        return builder;
    }

    /// <summary>Says how many threads compute in each process.</summary>
    /// <param name="builder">The server's builder.</param>
    /// <param name="threads">Threads, at least 1. Default one per physical core.</param>
    /// <returns>The same builder.</returns>
    public static IResourceBuilder<ParleyResource> WithThreads(this IResourceBuilder<ParleyResource> builder, int threads)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        builder.Resource.Setup.Threads = threads;
        return builder;
    }

    /// <summary>Says which command line is started.</summary>
    /// <param name="builder">The server's builder.</param>
    /// <param name="path">
    /// The path of an executable file or of an assembly (<c>parley.dll</c>), relative to the app host's folder, or a name on PATH.
    /// </param>
    /// <returns>The same builder.</returns>
    public static IResourceBuilder<ParleyResource> WithExecutable(this IResourceBuilder<ParleyResource> builder, string path)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        var program = ParleyProgram.At(path, builder.ApplicationBuilder.AppHostDirectory, ParleyProgram.SearchedFolders());
        builder.Resource.Setup.Program = program;
        foreach (var replica in builder.Resource.Replicas)
            builder.ApplicationBuilder.CreateResourceBuilder(replica).WithCommand(program.Command);
        return builder.WithCommand(program.Command);
    }

    /// <summary>
    /// What each process has alike: endpoints, health, telemetry. Callers reach the process itself: Aspire's proxy goes on taking
    /// connections for one that is gone, so that nobody would turn to another replica.
    /// </summary>
    private static IResourceBuilder<T> AddProcess<T>(IResourceBuilder<T> builder, int? httpPort, int? grpcPort)
        where T : ExecutableResource =>
        builder
            .WithHttpEndpoint(httpPort, name: ParleyResource.HttpEndpointName, isProxied: false)
            .WithHttpEndpoint(grpcPort, name: ParleyResource.GrpcEndpointName, isProxied: false)
            .WithEndpoint(ParleyResource.GrpcEndpointName, endpoint => endpoint.Transport = "http2")
            .WithUrlForEndpoint(ParleyResource.HttpEndpointName, url => url.DisplayText = "Page")
            .WithUrlForEndpoint(ParleyResource.GrpcEndpointName, url => url.DisplayLocation = UrlDisplayLocation.DetailsOnly)
            .WithHttpHealthCheck(HealthPath, endpointName: ParleyResource.HttpEndpointName)
            .WithOtlpExporter();

    private static async Task ReplayAsync(ParleyResource first, CommandLineArgsCallbackContext context)
    {
        foreach (var annotation in first.Annotations.OfType<CommandLineArgsCallbackAnnotation>().ToList())
            await annotation.Callback(context).ConfigureAwait(false);
    }

    private static async Task ReplayAsync(ParleyResource first, EnvironmentCallbackContext context)
    {
        foreach (var annotation in first.Annotations.OfType<EnvironmentCallbackAnnotation>().ToList())
            await annotation.Callback(context).ConfigureAwait(false);
    }

    private static ParameterResource SecretOf(IResourceBuilder<ParameterResource> parameter, string name)
    {
        ArgumentNullException.ThrowIfNull(parameter, name);
        return parameter.Resource.Secret
            ? parameter.Resource
            : throw new ArgumentException(
                $"The parameter '{parameter.Resource.Name}' would be shown: add it with AddParameter(name, secret: true).", name);
    }
}
