using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using Parley.TestSupport;
using Parley.Tokenizer.Templating;
using Parley.Tokenizer.Templating.Values;
using Parley.Tokenizer.Tests.Doubles;

namespace Parley.Tokenizer.Tests.Templating;

/// <summary>Real templates on eight conversations each, texts and errors alike.</summary>
public sealed class TemplateFixtureTests(ITestOutputHelper output)
{
    [Fact]
    public void Render_EveryTemplateAndScenario_EqualsReference()
    {
        var expected = Fixtures.Json("templates", "expected.json");
        var scenarios = Fixtures.Json("templates", "scenarios.json");
        var wrong = new List<string>();
        var count = 0;
        foreach (var template in expected.EnumerateObject())
        {
            var source = File.ReadAllText(Shared.Fixture("templates",
                template.Name.EndsWith(".jinja") ? template.Name : template.Name + ".jinja"));
            foreach (var scenario in template.Value.EnumerateObject())
            {
                count++;
                var (kind, text) = Render(source, scenarios.GetProperty(scenario.Name));
                if (!scenario.Value.TryGetProperty(kind, out var value) || value.GetString() != text)
                    wrong.Add(
                        $"{template.Name} / {scenario.Name}: {kind} {JsonSerializer.Serialize(Cut(text))}\n"
                        + $"   instead of {Cut(scenario.Value.ToString())}");
            }
        }

        output.WriteLine($"{count - wrong.Count} of {count} renders equal");
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {count} differ:\n" + string.Join('\n', wrong.Take(40)));
    }

    private static string Cut(string text) => text.Length > 300 ? text[..300] + "…" : text;

    private static (string Kind, string Text) Render(string source, JsonElement scenario)
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(2024, 7, 26, 12, 0, 0, TimeSpan.Zero));
        clock.SetLocalTimeZone(TimeZoneInfo.Utc);
        try
        {
            var variables = (DictionaryValue)JsonValues.FromUser(scenario);
            TemplateValue Take(string name) => variables.TryGet(new TextValue(name), out var value) ? value : NoneValue.Instance;
            var known = new[] { "messages", "tools", "documents", "add_generation_prompt" };
            var chat = new ChatInput(
                [.. Take("messages").Iterate().Cast<DictionaryValue>()], Take("tools"), Take("documents"),
                Take("add_generation_prompt").IsTrue, ContinueFinalMessage: false,
                [.. variables.Entries.Where(entry => !known.Contains(((TextValue)entry.Key).Text))
                    .Select(entry => KeyValuePair.Create(((TextValue)entry.Key).Text, entry.Value))]);
            return ("ok", new ChatTemplate(source, [], clock, TemplateLimits.Default).Render(chat).Text);
        }
        catch (TemplateException exception)
        {
            return ("err", exception.Message);
        }
    }
}
