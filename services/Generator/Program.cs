using Parley.Generator;
using Parley.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("parley-generator");
builder.AddGenerator();

var app = builder.Build();
app.MapServiceDefaults();
app.MapGenerator();
await app.RunAsync();
