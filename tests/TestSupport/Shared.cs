namespace Parley.TestSupport;

/// <summary>Where the material of others lies that is never part of this repository; tests that need it skip without it.</summary>
public static class Shared
{
    /// <summary>The root of this checkout.</summary>
    public static string RepositoryRoot { get; } = FindRepositoryRoot();

    /// <summary>The folder of reference answers: <c>PARLEY_FIXTURES</c>, else <c>../shared/fixtures</c> beside the checkout.</summary>
    public static string Fixtures { get; } =
        Environment.GetEnvironmentVariable("PARLEY_FIXTURES") is { Length: > 0 } path
            ? path
            : Path.GetFullPath(Path.Combine(RepositoryRoot, "..", "shared", "fixtures"));

    /// <summary>The bundled demo model.</summary>
    public static string DemoModel { get; } = Path.Combine(RepositoryRoot, "models", "demo");

    /// <summary>The path of a fixture; skips the running test, naming the path, where it is missing.</summary>
    public static string Fixture(params string[] parts)
    {
        var path = Path.Combine([Fixtures, .. parts]);
        Assert.SkipUnless(Path.Exists(path), $"The fixture {path} is missing (PARLEY_FIXTURES names the folder).");
        return path;
    }

    /// <summary>The Hugging Face folder of SmolLM2 (<c>PARLEY_SMOLLM2</c>); skips the running test where it is missing.</summary>
    public static string SmolLm2()
    {
        var path = Environment.GetEnvironmentVariable("PARLEY_SMOLLM2");
        Assert.SkipUnless(!string.IsNullOrEmpty(path) && File.Exists(Path.Combine(path, "model.safetensors")),
            "PARLEY_SMOLLM2 names no Hugging Face folder of SmolLM2-135M-Instruct (.ci/run prepares one where it can).");
        return path!;
    }

    /// <summary>SmolLM2 as one GGUF file (<c>PARLEY_SMOLLM2_GGUF</c>); skips the running test where it is missing.</summary>
    public static string SmolLm2Gguf()
    {
        var path = Environment.GetEnvironmentVariable("PARLEY_SMOLLM2_GGUF");
        Assert.SkipUnless(File.Exists(path),
            "PARLEY_SMOLLM2_GGUF names no GGUF file of SmolLM2-135M-Instruct (.ci/run unpacks one where it can).");
        return path!;
    }

    /// <summary>What the reference answers on SmolLM2: <c>expected.json</c>; skips the running test where it is missing.</summary>
    public static string SmolLm2Expected()
    {
        var path = Path.GetFullPath(Path.Combine(Fixtures, "..", "models", "smollm2-135m-instruct", "expected.json"));
        Assert.SkipUnless(File.Exists(path), $"{path} is missing.");
        return path;
    }

    private static string FindRepositoryRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Microservices.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException($"Microservices.sln is not above {AppContext.BaseDirectory}.");
    }
}
