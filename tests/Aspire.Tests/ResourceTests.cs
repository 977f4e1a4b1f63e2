using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Parley.Aspire.Hosting;
using Parley.ModelImporter;

namespace Parley.Aspire.Tests;

/// <summary>What an app host says, as the processes that it starts: nothing is started here.</summary>
public sealed class ResourceTests
{
    private const string Ports = "--http-port {chat.bindings.http.targetPort} --grpc-port {chat.bindings.grpc.targetPort}";

    private readonly IDistributedApplicationBuilder _builder = DistributedApplication.CreateBuilder(
        new DistributedApplicationOptions { DisableDashboard = true, Args = ["--Parley:Executable=/opt/parley/parley"] });

    [Fact]
    public async Task Server_OfNothingButAName_ServesTheDemoModelToEveryone()
    {
        var chat = _builder.AddParley("chat");

        Assert.Equal("/opt/parley/parley", chat.Resource.Command);
        Assert.Equal($"up --verbose {Ports}", await ResourceText.ArgumentsAsync(chat.Resource));
        var environment = await ResourceText.EnvironmentAsync(chat.Resource);
        Assert.Equal("", environment["PARLEY_API_KEY"]);
        string[] silent = ["Generator__", "HF_", "XDG_"];
        Assert.DoesNotContain(environment.Keys, name => silent.Any(name.StartsWith));
        Assert.Equal("Endpoint={chat.bindings.grpc.url}", chat.Resource.ConnectionStringExpression.ValueExpression);
    }

    [Fact]
    public async Task Server_WithEverything_HasItInCommandLineAndEnvironment()
    {
        var key = Secret("chat-key", "a-key");
        var chat = _builder.AddParley("chat", httpPort: 7080, grpcPort: 7081)
            .WithModel("org/model:Q4_0").WithPrecision("int4").WithContext(4096).WithThreads(3).WithServedName("small")
            .WithApiKey(key).WithHubToken(Secret("hub", "token")).WithModelStore("store").WithEnvironment("Gateway__ChoicesMax", "2");

        Assert.Equal(
            $"up --verbose {Ports} --model org/model:Q4_0 --precision int4 --context 4096 --threads 3 --name small",
            await ResourceText.ArgumentsAsync(chat.Resource));
        var environment = await ResourceText.EnvironmentAsync(chat.Resource);
        var store = Path.Combine(_builder.AppHostDirectory, "store");
        Assert.Equal("{chat-key.value}", environment["PARLEY_API_KEY"]);
        Assert.Equal("{hub.value}", environment["HF_TOKEN"]);
        Assert.Equal(store, environment["XDG_CACHE_HOME"]);
        Assert.Equal(Path.Combine(store, "huggingface", "hub"), environment["HF_HUB_CACHE"]);
        Assert.Equal("2", environment["Gateway__ChoicesMax"]);
        Assert.Equal(
            "Endpoint={chat.bindings.grpc.url};Key={chat-key.value};Model=small",
            chat.Resource.ConnectionStringExpression.ValueExpression);
        Assert.Equal(
            [("http", 7080, "http"), ("grpc", 7081, "http2")],
            chat.Resource.Annotations.OfType<EndpointAnnotation>().Select(end => (end.Name, end.Port ?? 0, end.Transport)));
        Assert.Single(chat.Resource.Annotations.OfType<HealthCheckAnnotation>());
    }

    [Fact]
    public async Task Gpu_WithoutAPrecision_ServesBf16()
    {
        var chat = _builder.AddParley("chat").WithGpu(2, "/opt/cuda/lib");

        Assert.EndsWith(" --precision bf16", await ResourceText.ArgumentsAsync(chat.Resource));
        var environment = await ResourceText.EnvironmentAsync(chat.Resource);
        Assert.Equal(
            ("cuda", "2", "/opt/cuda/lib"),
            (environment["Generator__Device"], environment["Generator__Cuda__DeviceId"], environment["Generator__Cuda__LibraryPath"]));
    }

    [Fact]
    public async Task Replicas_OfAServer_HaveItsSettingsAndAGpuEach()
    {
        var chat = _builder.AddParley("chat").WithReplicas(3).WithGpu(1).WithModel("org/model").WithEnvironment("Gateway__ChoicesMax", "2");

        Assert.Equal(["chat-2", "chat-3"], chat.Resource.Replicas.Select(replica => replica.Name));
        var third = chat.Resource.Replicas[1];
        Assert.Equal(
            "up --verbose --http-port {chat-3.bindings.http.targetPort} --grpc-port {chat-3.bindings.grpc.targetPort} --model org/model "
            + "--precision bf16",
            await ResourceText.ArgumentsAsync(third));
        var environment = await ResourceText.EnvironmentAsync(third);
        Assert.Equal(("3", "2"), (environment["Generator__Cuda__DeviceId"], environment["Gateway__ChoicesMax"]));
        Assert.Equal(
            "Endpoint=static:///{chat.bindings.grpc.host}:{chat.bindings.grpc.port},"
            + "{chat-2.bindings.grpc.host}:{chat-2.bindings.grpc.port},{chat-3.bindings.grpc.host}:{chat-3.bindings.grpc.port}",
            chat.Resource.ConnectionStringExpression.ValueExpression);
        // The first one imports the model for all.
        Assert.Equal([chat.Resource], third.Annotations.OfType<WaitAnnotation>().Select(wait => wait.Resource));
        Assert.Equal(chat.Resource.Command, third.Command);
        chat.WithExecutable("/elsewhere/parley");
        Assert.Equal(("/elsewhere/parley", "/elsewhere/parley"), (chat.Resource.Command, third.Command));
    }

    [Fact]
    public async Task Reference_ToAServer_GivesConnectionStringAndProperties()
    {
        var chat = _builder.AddParley("chat").WithApiKey(Secret("chat-key", "a-key")).WithServedName("small");
        var user = _builder.AddExecutable("user", "/bin/true", ".").WithReference(chat);

        var environment = await ResourceText.EnvironmentAsync(user.Resource);

        Assert.Equal("{chat.connectionString}", environment["ConnectionStrings__chat"]);
        Assert.Equal("{chat.bindings.http.url}", environment["CHAT_URI"]);
        Assert.Equal(
            ("{chat.bindings.grpc.url}", "{chat-key.value}", "small"),
            (environment["CHAT_ENDPOINT"], environment["CHAT_KEY"], environment["CHAT_MODEL"]));
    }

    [Theory]
    [InlineData("a;b")]
    [InlineData("a b")]
    [InlineData("ä")]
    [InlineData("")]
    public async Task Key_ThatNoConnectionStringCarries_IsRefusedByTheParametersName(string key)
    {
        var chat = _builder.AddParley("chat").WithApiKey(Secret("chat-key", key));

        var fault = await Assert.ThrowsAsync<DistributedApplicationException>(() => ResourceText.EnvironmentAsync(chat.Resource));

        Assert.Contains("'chat-key'", fault.Message);
        if (key.Length > 0)
            Assert.DoesNotContain(key, fault.Message);
    }

    [Fact]
    public void Settings_ThatCannotBe_AreRefusedByName()
    {
        var chat = _builder.AddParley("chat");

        Refused<ArgumentException>("'int5' is no precision", () => chat.WithPrecision("int5"));
        Refused<ArgumentException>("'--model' is an option", () => chat.WithModel("--model"));
        Refused<ArgumentException>("model", () => chat.WithModel(" "));
        Refused<ArgumentOutOfRangeException>("device", () => chat.WithGpu(-1));
        Refused<ArgumentOutOfRangeException>("replicas", () => chat.WithReplicas(0));
        Refused<ArgumentOutOfRangeException>("replicas", () => chat.WithReplicas(65));
        Refused<ArgumentOutOfRangeException>("tokens", () => chat.WithContext(0));
        Refused<ArgumentOutOfRangeException>("threads", () => chat.WithThreads(0));
        Refused<ArgumentException>("'a;b' is no name", () => chat.WithServedName("a;b"));
        Refused<ArgumentException>("AddParameter(name, secret: true)", () => chat.WithApiKey(_builder.AddParameter("plain")));
        Refused<ArgumentException>("'int8' is for the CPU", () => chat.WithPrecision("int8").WithGpu());
        Refused<ArgumentException>("'int8' is for the CPU", () => _builder.AddParley("other").WithGpu().WithPrecision("int8"));
        chat.WithReplicas(2);
        Refused<InvalidOperationException>("'chat' has 2 replicas", () => chat.WithReplicas(3));
    }

    [Fact]
    public void Precisions_OfTheAppHost_AreThoseOfTheImporter()
    {
        Assert.Equal(ModelImport.Precisions, [.. Precisions.Cpu, .. Precisions.Cuda]);
        Assert.Equal(ModelImport.CudaPrecisions, Precisions.Cuda);
    }

    private IResourceBuilder<ParameterResource> Secret(string name, string value) => _builder.AddParameter(name, value, secret: true);

    private static void Refused<T>(string words, Action action)
        where T : Exception => Assert.Contains(words, Assert.Throws<T>(action).Message);
}
