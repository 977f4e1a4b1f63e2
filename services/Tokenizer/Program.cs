using Parley.ServiceDefaults;
using Parley.Tokenizer;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("parley-tokenizer");
builder.AddTokenizer();

var app = builder.Build();
app.MapServiceDefaults();
app.MapTokenizer();
await app.RunAsync();
