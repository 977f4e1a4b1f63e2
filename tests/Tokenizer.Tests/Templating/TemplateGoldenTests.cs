using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using Parley.Tokenizer.Templating;
using Parley.Tokenizer.Templating.Values;
using Parley.Tokenizer.Tests.Doubles;

namespace Parley.Tokenizer.Tests.Templating;

/// <summary>
/// Small templates of our own, most of them put together by chance: every filter, test and method of Jinja and Python over values of
/// every type, white space around every tag. What jinja2 3.1.6 wrote, set up as transformers 5.23 does, or that it failed.
/// </summary>
public sealed class TemplateGoldenTests
{
    [Fact]
    public void Render_EveryCase_WritesWhatJinjaWrites()
    {
        var golden = Fixtures.Golden("templates.json.gz");
        var messages = JsonValues.FromUser(golden.GetProperty("messages")).Iterate().Cast<DictionaryValue>().ToList();
        var wrong = new List<string>();
        var count = 0;
        foreach (var item in golden.GetProperty("cases").EnumerateArray())
        {
            count++;
            var template = item.GetProperty("t").GetString()!;
            var expected = item.TryGetProperty("ok", out var text) ? text.GetString() : null;
            var actual = Render(template, messages);
            if (expected != actual)
                wrong.Add($"{JsonSerializer.Serialize(template)}: {Shown(actual)} instead of {Shown(expected)}");
        }

        Assert.True(count > 3000);
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {count} differ:\n" + string.Join('\n', wrong.Take(40)));
    }

    private static string Shown(string? text) => text is null ? "an error" : JsonSerializer.Serialize(text);

    // Null where the template fails, as in the file.
    private static string? Render(string template, List<DictionaryValue> messages)
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(2024, 7, 26, 12, 0, 0, TimeSpan.Zero));
        clock.SetLocalTimeZone(TimeZoneInfo.Utc);
        var chat = new ChatInput(
            messages, NoneValue.Instance, NoneValue.Instance, AddGenerationPrompt: true, ContinueFinalMessage: false, []);
        try
        {
            return new ChatTemplate(template, [], clock, TemplateLimits.Default).Render(chat).Text;
        }
        catch (TemplateException)
        {
            return null;
        }
    }
}
