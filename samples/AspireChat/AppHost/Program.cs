// dotnet run -c Release --project samples/AspireChat/AppHost [-- --Model=NAME]; a model is a name on the Hugging Face Hub, or a path
var builder = DistributedApplication.CreateBuilder(args);

// The command line of this repository, built beside this program.
var built = Path.Combine(AppContext.BaseDirectory, "..", "..", "Parley", new DirectoryInfo(AppContext.BaseDirectory).Name, "parley.dll");
var key = builder.AddParameter("chat-key", new GenerateParameterDefault { MinLength = 32, Special = false }, secret: true);
var chat = builder.AddParley("chat")
    .WithApiKey(key)
    // Elsewhere this line is left out: the tool 'parley' is found.
    .WithExecutable(built);
if (builder.Configuration["Model"] is { Length: > 0 } model)
    chat.WithModel(model);

builder.AddProject<Projects.AspireChat_Web>("web")
    .WithReference(chat)
    .WaitFor(chat)
    .WithHttpHealthCheck("/health");

await builder.Build().RunAsync();
