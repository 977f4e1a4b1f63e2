using Parley.Tokenizer.Templating;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Tests.Templating;

/// <summary>No text of a message is lost or mangled because it came in the form that the template does not read.</summary>
public sealed class ContentFormsTests
{
    private const string Selects = "{% for m in messages %}{% for c in m['content'] | selectattr('type','equalto','text') %}"
        + "{{ c['text'] }}{% endfor %}{% endfor %}";
    private const string Iterates = "{% for m in messages %}{% for c in m.content %}{{ c.text }}{% endfor %}{% endfor %}";
    private const string First = "{% for m in messages %}{{ m.content[0].text }}{% endfor %}";
    private const string Last = "{% for m in messages %}{{ (m.content|last)['text'] }}{% endfor %}";
    private const string Plain = "{% for m in messages %}{{ m.content }}{% endfor %}";
    private const string Trims = "{% for m in messages %}{{ m['content'].strip() }}{% endfor %}";
    private const string Dumps = "{% for m in messages %}{{ m.content|tojson }}{% endfor %}";
    private const string Both = "{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}{% for c in m.content %}"
        + "<{{ c.text }}>{% endfor %}{% endif %}{% endfor %}";
    private const string ByRole = "{% for m in messages %}{% if m.role == 'system' %}{{ m.content + '/' }}{% else %}"
        + "{% for c in m.content %}{{ c.text }}{% endfor %}{% endif %}{% endfor %}";

    [Theory]
    [InlineData(Selects, "hello", "ab")]
    [InlineData(Iterates, "hello", "ab")]
    [InlineData(First, "hello", "ab")]
    [InlineData(Last, "hello", "ab")]
    [InlineData(Plain, "hello", "ab")]
    [InlineData(Trims, "hello", "ab")]
    [InlineData(Dumps, "\"hello\"", "\"ab\"")]
    [InlineData(Both, "hello", "<a><b>")]
    public void Render_ContentInEitherForm_IsRead(string template, string fromText, string fromParts)
    {
        Assert.Equal(fromText, Render(template, Message("user", new TextValue("hello"))));
        Assert.Equal(fromParts, Render(template, Message("user", Parts("a", "b"))));
    }

    [Fact]
    public void Render_RolesReadDifferently_EachGetsItsForm()
    {
        Assert.Equal("syab", Render(ByRole, Message("system", Parts("s", "y")), Message("user", Parts("a", "b"))).Replace("/", ""));
        Assert.Equal("sys/usr", Render(ByRole, Message("system", new TextValue("sys")), Message("user", new TextValue("usr"))));
    }

    [Fact]
    public void Render_ConvertedContent_StaysTheUsers()
    {
        var chat = Chat(Message("user", TextValue.FromUser("hi")));
        var rendered = LoadedTemplate.Create(Template("[" + Selects + "]")).Render(chat);
        Assert.Equal("[hi]", rendered.Text);
        Assert.Equal((1, 2), rendered.UserRanges[0]);
    }

    [Fact]
    public void Render_ContinuedParts_EndWithTheLast()
    {
        var chat = Chat(Message("user", Parts("q")), Message("assistant", Parts("a", "b"))) with
        {
            AddGenerationPrompt = false,
            ContinueFinalMessage = true,
        };
        Assert.Equal("qab", LoadedTemplate.Create(Template(Plain + "<end>")).Render(chat).Text);
    }

    [Theory]
    [InlineData("{{ raise_exception('never') }}")]
    [InlineData("nothing of it{{ messages[0].role }}")]
    public void Detect_TemplateThatReadsNeither_LeavesContentAsItCame(string template) =>
        Assert.Equal(ContentForm.Any, ContentForms.Detect(Template(template))["user"]);

    private static string Render(string template, params DictionaryValue[] messages) =>
        LoadedTemplate.Create(Template(template)).Render(Chat(messages)).Text;

    private static ChatTemplate Template(string source) => new(source, [], TimeProvider.System, TemplateLimits.Default);

    private static ChatInput Chat(params DictionaryValue[] messages) =>
        new(messages, NoneValue.Instance, NoneValue.Instance, AddGenerationPrompt: true, ContinueFinalMessage: false, []);

    private static DictionaryValue Message(string role, TemplateValue content) =>
        new([new(new TextValue("role"), new TextValue(role)), new(new TextValue("content"), content)]);

    private static SequenceValue Parts(params string[] texts) => SequenceValue.List([.. texts.Select(text => new DictionaryValue(
        [new(new TextValue("type"), new TextValue("text")), new(new TextValue("text"), new TextValue(text))]))]);
}
