using k8s.Models;

namespace Parley.Deployment.Tests.Kubernetes;

/// <summary>The checks of the other tests do refuse.</summary>
public sealed class StrictnessTests
{
    private const string Service = """
        apiVersion: v1
        kind: Service
        metadata:
          name: one
        spec:
          ports:
            - port: 80
        """;

    private const string Pool = """
        apiVersion: inference.networking.k8s.io/v1
        kind: InferencePool
        metadata:
          name: pool
        spec:
          selector:
            matchLabels:
              app: one
          targetPorts:
            - number: 80
        """;

    [Fact]
    public void Parse_WhatIsRight_IsTyped()
    {
        Assert.IsType<V1Service>(Overlay.Parse(Service).Single().Model);
        Assert.Empty(CustomResources.Faults(Overlay.Parse(Pool).Single()));
    }

    [Theory]
    [InlineData("    - port: 80", "    - prot: 80")]
    [InlineData("spec:", "specs:")]
    [InlineData("kind: Service", "kind: Servise")]
    [InlineData("  name: one", "  name: one\n  name: two")]
    [InlineData("    - port: 80", "    - port: eighty")]
    public void Parse_BuiltInKindWithASlip_IsRefused(string text, string slip) =>
        Assert.ThrowsAny<Exception>(() => Overlay.Parse(Service.Replace(text, slip)));

    [Theory]
    [InlineData("    - number: 80", "    - nummer: 80", "there is no field spec.targetPorts[].nummer")]
    [InlineData("    - number: 80", "    - number: \"80\"", "spec.targetPorts[].number is '80', which is no int")]
    [InlineData("  targetPorts:", "  appProtocol: grpc\n  targetPorts:", "spec.appProtocol is 'grpc', which is no http|kubernetes.io/h2c")]
    [InlineData("  selector:\n    matchLabels:\n      app: one\n", "", "spec.selector is missing")]
    [InlineData("apiVersion: inference.networking.k8s.io/v1", "apiVersion: example.com/v1", "no list of fields for example.com/v1")]
    public void Faults_CustomResourceWithASlip_NameIt(string text, string slip, string named) =>
        Assert.Contains(Overlay.Parse(Pool.Replace(text, slip)).SelectMany(CustomResources.Faults), fault => fault.Contains(named));

    [Theory]
    [InlineData("gateway", "Gateway__ApiKeyFil", "x")]
    [InlineData("generator", "Generator__Cuda__LibraryPaths", "x")]
    [InlineData("generator", "Generator__Threads", "many")]
    [InlineData("generator", "Tokenizer__PackageDirectory", "/models")]
    [InlineData("gateway", "Kestrel__Endpoints__Web__Url", "http://*:5080")]
    [InlineData("gateway", "Kestrel__Endpoints__Http__Url", "http://127.0.0.1:5080")]
    [InlineData("gateway", "Parley__ShutdownSeconds", "soon")]
    [InlineData("gateway", "Telemetry__MetricsPorts", "9464")]
    [InlineData("gateway", "SOMETHING", "1")]
    public void VariableFault_OfASlip_IsFound(string service, string variable, string value) =>
        Assert.NotNull(Programs.VariableFault(service, variable, value));
}
