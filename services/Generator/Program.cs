using Microsoft.Extensions.Options;
using Parley.Generator;
using Parley.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("parley-generator");
builder.AddGenerator();

var app = builder.Build();
app.MapServiceDefaults();
app.MapGenerator();
try
{
    await app.RunAsync();
    return Environment.ExitCode;
}
catch (Exception exception) when (exception is InvalidDataException or OptionsValidationException)
{
    // The host has logged which file, field or setting is wrong; a crash would only bury it. What it comes to is the last line.
    await Console.Error.WriteLineAsync($"error: {exception.Message.Split('\n')[0]}");
    return 1;
}
