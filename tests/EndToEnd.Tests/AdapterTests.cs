using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Parley.Embedded.Hosting;
using Parley.ModelImporter.AdapterPackages;
using Parley.ModelPackages;
using Parley.TestSupport;

namespace Parley.EndToEnd.Tests;

/// <summary>Adapters as peft writes them, served beside the demo model: from the start, and loaded over HTTP.</summary>
public sealed class AdapterTests : IDisposable
{
    private const string Key = "pk-adapters";

    private readonly string _folder = Directory.CreateTempSubdirectory("parley-e2e-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Adapters_BesideTheDemoModel_AreModelsOfTheirOwn()
    {
        using var log = new LogGuard();
        var package = await PackageCache.ImportAsync(Shared.DemoModel, Path.Combine(_folder, "package"), "int8", CancellationToken.None);
        foreach (var (name, seed) in new[] { ("poet", 1), ("clerk", 2) })
        {
            AdapterPackage.Run(new AdapterOptions
            {
                Adapter = WritePeft(Path.Combine(_folder, "peft-" + name), seed),
                Base = package,
                Destination = Path.Combine(_folder, "adapters", name),
                Name = name,
            });
        }

        await using var system = await LocalSystem.StartAsync(
            new LocalSystemOptions
            {
                PackageDirectory = package,
                LoggerProvider = log,
                Settings = new Dictionary<string, string?>
                {
                    ["Generator:Adapters:poet"] = Path.Combine(_folder, "adapters", "poet"),
                    ["Generator:AdapterDirectory"] = Path.Combine(_folder, "adapters"),
                    ["Gateway:AllowAdapterLoading"] = "true",
                    ["Gateway:ApiKey"] = Key,
                },
            },
            CancellationToken.None);
        using var http = new HttpClient { BaseAddress = system.Http };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);

        Assert.Equal(["demo", "poet"], await NamesAsync(http));
        var (plain, poet) = (await AskAsync(http, ""), await AskAsync(http, "poet"));
        using (var loaded = await http.PostAsJsonAsync("/v1/load_lora_adapter", new { lora_name = "clerk", lora_path = "clerk" }))
            Assert.True(loaded.IsSuccessStatusCode, await loaded.Content.ReadAsStringAsync());
        Assert.Equal(["demo", "clerk", "poet"], await NamesAsync(http));
        var clerk = await AskAsync(http, "clerk");

        Assert.Equal(3, new[] { plain, poet, clerk }.Distinct().Count());
        var together = await Task.WhenAll(
            Enumerable.Range(0, 9).Select(i => AskAsync(http, (i % 3) switch { 0 => "demo", 1 => "poet", _ => "clerk" })));
        for (var i = 0; i < together.Length; i++)
            Assert.Equal((i % 3) switch { 0 => plain, 1 => poet, _ => clerk }, together[i]);

        using (var unloaded = await http.PostAsJsonAsync("/v1/unload_lora_adapter", new { lora_name = "poet" }))
            Assert.True(unloaded.IsSuccessStatusCode, await unloaded.Content.ReadAsStringAsync());
        Assert.Equal(["demo", "clerk"], await NamesAsync(http));
        using var refused = await PostAsync(http, "poet");
        Assert.Equal(404, (int)refused.StatusCode);
        log.AssertNoErrors();
    }

    private static async Task<string[]> NamesAsync(HttpClient http) =>
        [.. (await http.GetFromJsonAsync<JsonElement>("/v1/models")).GetProperty("data").EnumerateArray()
            .Select(model => model.GetProperty("id").GetString()!)];

    private static Task<HttpResponseMessage> PostAsync(HttpClient http, string model) => http.PostAsJsonAsync(
        "/v1/chat/completions",
        new { model, messages = new[] { new { role = "user", content = "what is a token?" } }, max_tokens = 24, temperature = 0 });

    private static async Task<string> AskAsync(HttpClient http, string model)
    {
        using var response = await PostAsync(http, model);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        return answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;
    }

    /// <summary>Random pairs for queries and for what goes back to the stream, in all four layers.</summary>
    private static string WritePeft(string folder, int seed)
    {
        const int Rank = 8;
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), $$"""
            {"peft_type": "LORA", "r": {{Rank}}, "lora_alpha": 16, "target_modules": ["q_proj", "down_proj"]}
            """);
        var random = new Random(seed);
        var (tensors, data) = (new Dictionary<string, object>(), new List<float>());
        for (var layer = 0; layer < 4; layer++)
        {
            foreach (var (module, inputs) in new[] { ("self_attn.q_proj", 256), ("mlp.down_proj", 704) })
            {
                foreach (var (part, rows, columns) in new[] { ("lora_A", Rank, inputs), ("lora_B", 256, Rank) })
                {
                    var start = data.Count * sizeof(float);
                    data.AddRange(Enumerable.Range(0, rows * columns).Select(_ => 0.8f * (random.NextSingle() - 0.5f)));
                    tensors[$"base_model.model.model.layers.{layer}.{module}.{part}.weight"] = new
                    {
                        dtype = "F32",
                        shape = new[] { rows, columns },
                        data_offsets = new[] { start, data.Count * sizeof(float) },
                    };
                }
            }
        }

        var header = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(tensors));
        File.WriteAllBytes(
            Path.Combine(folder, "adapter_model.safetensors"),
            [.. BitConverter.GetBytes((long)header.Length), .. header, .. MemoryMarshal.AsBytes<float>(data.ToArray())]);
        return folder;
    }
}
