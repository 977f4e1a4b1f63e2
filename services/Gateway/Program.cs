using Parley.Gateway;
using Parley.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("parley-gateway");
builder.AddGateway();

var app = builder.Build();
app.MapServiceDefaults();
app.MapGateway();
await app.RunAsync();
