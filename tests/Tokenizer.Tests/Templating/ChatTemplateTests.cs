using Parley.Tokenizer.Templating;
using Parley.Tokenizer.Templating.Values;

namespace Parley.Tokenizer.Tests.Templating;

/// <summary>Jinja with Python's semantics; each expected text is what jinja2 3.1.6 writes.</summary>
public sealed class ChatTemplateTests
{
    [Theory]
    [InlineData("{{ [1, 2.0, 'a\\'b', none, true, {'k': (1,)}] }}", "[1, 2.0, \"a'b\", None, True, {'k': (1,)}]")]
    [InlineData("{{ 1e16 }} {{ 1e-5 }} {{ 0.1 + 0.2 }} {{ 7 / 2 }} {{ 1e22 }}", "1e+16 1e-05 0.30000000000000004 3.5 1e+22")]
    [InlineData("{{ -7 % 3 }} {{ -7 // 2 }} {{ 2 ** 10 }}", "2 -4 1024")]
    [InlineData("{{ 'abc'[::-1] }} {{ [1,2,3][-2:] }} {{ 'a🦙b'|length }} {{ 'a🦙b'[1] }}", "cba [2, 3] 3 🦙")]
    [InlineData("{{ {1: 'x'}[1.0] }}", "x")]
    [InlineData("{{ '--a--'.strip('-') }}|{{ ' x '|trim }}|{{ 'a,b,c'.split(',', 1) }}", "a|x|['a', 'b,c']")]
    [InlineData("{% for a in [1,2,3] if a != 2 %}{{ loop.index }}{{ a }}{% if not loop.last %},{% endif %}{% endfor %}", "11,23")]
    [InlineData("{% set ns = namespace(x=0) %}{% for a in [1,2] %}{% set ns.x = ns.x + a %}{% endfor %}{{ ns.x }}", "3")]
    [InlineData("{% set x = 1 %}{% for a in [1] %}{% set x = 2 %}{% endfor %}{{ x }}", "1")]
    [InlineData("{% macro m(a, b='z') %}{{ a }}{{ b }}{% endmacro %}{{ m('x') }}{{ m('x', b='y') }}", "xzxy")]
    [InlineData("{% call(x) m() %}[{{ x }}]{% endcall %}{% macro m() %}{% endmacro %}", "err:UndefinedError: 'm' is undefined")]
    [InlineData("{% macro m() %}<{{ caller(1) }}>{% endmacro %}{% call(x) m() %}[{{ x }}]{% endcall %}", "<[1]>")]
    [InlineData("{% filter upper %}ab{% endfilter %}{% set t %}c{% endset %}{{ t }}", "ABc")]
    [InlineData("{{ {'b': 1, 'a': [1.0, 'ü', none]}|tojson }}", "{\"b\": 1, \"a\": [1.0, \"ü\", null]}")]
    [InlineData("{{ {'a': []}|tojson(indent=2) }}", "{\n  \"a\": []\n}")]
    [InlineData("{{ '<'|safe + '<' }}", "<&lt;")]
    [InlineData("a\n  {% if true %}\n b\n  {% endif %}\nc\n", "a\n b\nc")]
    [InlineData("a {%- if true -%} b {%- endif +%}\nc", "ab\nc")]
    [InlineData("{% raw %}{{ x }}{% endraw %}{# gone #}", "{{ x }}")]
    [InlineData("{{ missing }}{% for x in missing %}{% endfor %}{{ missing is defined }}", "False")]
    [InlineData("{{ missing.x }}", "err:UndefinedError: 'missing' is undefined")]
    [InlineData("{{ 'a' + 1 }}", "err:TypeError: can only concatenate str (not \"int\") to str")]
    [InlineData("{{ [].append(1) }}", "err:SecurityError: access to attribute 'append' of 'list' object is unsafe.")]
    [InlineData("{{ raise_exception('no') }}", "err:TemplateError: no")]
    [InlineData("{{ x|nope }}", "err:TemplateAssertionError: No filter named 'nope'.")]
    [InlineData("{% for x in range(3) %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}", "02")]
    [InlineData("{{ 'x' if false }}|{{ 1 < 2 < 3 }}|{{ 'a' ~ 1 ~ none }}", "|True|a1None")]
    [InlineData("{{ strftime_now('%d %b %Y') }}", "26 Jul 2024")]
    public void Render_Expression_WritesWhatPythonWrites(string template, string expected) => Assert.Equal(expected, Run(template));

    [Theory]
    [InlineData("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}")]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")]
    [InlineData("{% set ns = namespace(t='x') %}{% for a in range(99) %}{% set ns.t = ns.t + ns.t %}{% endfor %}")]
    [InlineData("{{ 'x' * 99999999999 }}")]
    [InlineData("{{ [0] * 99999999999 }}")]
    [InlineData("{{ 'x'.center(99999999999) }}")]
    public void Render_HostileTemplate_EndsInALimit(string template) => Assert.StartsWith("err:LimitError", Run(template));

    [Fact]
    public void Parse_DeepNesting_EndsInALimit() =>
        Assert.StartsWith("err:LimitError", Run("{{ " + new string('(', 100_000) + "1" + new string(')', 100_000) + " }}"));

    [Theory]
    [InlineData("{{ 1", " + 1", " }}")]
    [InlineData("{{ x", ".a", " }}")]
    [InlineData("{{ x", "[0]", " }}")]
    [InlineData("{{ x", "()", " }}")]
    [InlineData("{{ x", "|string", " }}")]
    [InlineData("{{ x", " or x", " }}")]
    [InlineData("{{ 1", " - 1", " }}")]
    [InlineData("{{ 2", " ** 1", " }}")]
    [InlineData("{% macro m() %}{{ x", ".a", " }}{% endmacro %}")]
    public void Parse_LongChain_IsRefusedOnEveryStack(string start, string link, string end)
    {
        var template = start + string.Concat(Enumerable.Repeat(link, 100_000)) + end;
        foreach (var stackBytes in new[] { 1 << 20, 1 << 26 })
            Assert.StartsWith("err:LimitError", OnStack(stackBytes, template), StringComparison.Ordinal);
    }

    // As long as jinja2 3.1.6 takes it, whose limit is Python's.
    [Theory]
    [InlineData("{{ 1", " + 1", " }}", "401")]
    [InlineData("{{ 'x'", "|string", " }}", "x")]
    [InlineData("{{ 'a'", " ~ 'a'", " }}", "a")]
    public void Render_ChainThatJinjaTakes_IsWrittenOnASmallStack(string start, string link, string end, string expected)
    {
        var text = OnStack(1 << 20, start + string.Concat(Enumerable.Repeat(link, 400)) + end);
        Assert.Equal(expected, text.Length > 3 ? text[..1] : text);
    }

    [Theory]
    [InlineData("{{ ns.a }}")]
    [InlineData("{{ ns.a | tojson }}")]
    [InlineData("{{ ns.a | pprint }}")]
    [InlineData("{{ ns.a == [ns.a] }}")]
    [InlineData("{{ ns.a < [ns.a] }}")]
    [InlineData("{{ {(ns.a, 1): 1} | length }}")]
    public void Render_ValueNestedWithoutEnd_IsRefusedOnEveryStack(string use)
    {
        foreach (var nested in new[] { "[ns.a]", "(ns.a, 1)", "{'a': ns.a}" })
        {
            var template = "{% set ns = namespace(a=1) %}{% for i in range(90000) %}{% set ns.a = " + nested + " %}{% endfor %}" + use;
            foreach (var stackBytes in new[] { 1 << 20, 1 << 26 })
                Assert.StartsWith("err:LimitError", OnStack(stackBytes, template), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("{% for i in x %}{{ i | nofilter }}{% endfor %}", "No filter named 'nofilter'.")]
    [InlineData("{{ 1 is notest }}", "No test named 'notest'.")]
    [InlineData("{% if x %}{% for i in y %}{{ i | nofilter }}{% endfor %}{% endif %}", "No filter named 'nofilter'.")]
    [InlineData("{% if x %}{% set y | nofilter %}{% endset %}{% endif %}", "No filter named 'nofilter'.")]
    [InlineData("{% macro m(a=1 | nofilter) %}{% endmacro %}", "No filter named 'nofilter'.")]
    public void Parse_UnknownName_IsRefused(string template, string message)
    {
        var fault = Assert.Throws<TemplateException>(() => Template(template));
        Assert.Equal(("TemplateAssertionError", message), (fault.Kind, fault.Description));
    }

    [Theory]
    [InlineData("{% if false %}{{ 1 | nofilter is notest }}{% endif %}x")]
    [InlineData("{{ 'x' if true else 1 | nofilter }}")]
    [InlineData("{% if false %}{% for i in 1 | nofilter %}{% endfor %}{% endif %}x")]
    public void Render_UnknownNameThatNeverRuns_IsNoFault(string template) => Assert.Equal("x", Run(template));

    [Fact]
    public void Parse_NamedCharacter_IsRefusedByName() =>
        Assert.Contains("\\N{", Assert.Throws<TemplateException>(() => Template("{{ '\\N{BULLET}' }}")).Description,
            StringComparison.Ordinal);

    private static string OnStack(int bytes, string template)
    {
        var text = "";
        var thread = new Thread(() => text = Run(template), bytes);
        thread.Start();
        thread.Join();
        return text;
    }

    [Theory]
    [InlineData("{{ messages[0].content | upper }}", "USER")]
    [InlineData("{{ messages[0].content | tojson }}", "user")]
    [InlineData("<{{ messages[0].content[1:3] }}>", "se")]
    [InlineData("{{ messages[0].content.replace('s', 'template') }}", "u|er")]
    [InlineData("{{ 'a' + messages[0].content + 'b' }}", "user")]
    [InlineData("{{ messages[0].content.split('s') | join('-') }}", "u|er")]
    [InlineData("{{ [messages[0].content] }}", "user")]
    [InlineData("{{ '<%s>' % messages[0].content }}", "user")]
    [InlineData("{{ '<{:>6}>'.format(messages[0].content) }}", "user")]
    [InlineData("{{ messages[0].content | wordwrap(2) }}", "us|er")]
    [InlineData("{{ messages[0].content | indent(2, true) }}", "user")]
    [InlineData("{{ ('ß' + messages[0].content) | title }}", "user")]
    public void Render_UserText_IsFollowedThroughOperations(string template, string userParts)
    {
        var rendered = Template(template).Render(Chat());
        var parts = Enumerable.Range(0, rendered.UserRanges.Count).Select(i =>
            rendered.Text.Substring(rendered.UserRanges[i].Start, rendered.UserRanges[i].Length));
        Assert.Equal(userParts, string.Join('|', parts));
    }

    private static ChatTemplate Template(string source)
    {
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(new DateTimeOffset(2024, 7, 26, 12, 0, 0, TimeSpan.Zero));
        return new ChatTemplate(source, [], clock, TemplateLimits.Default);
    }

    private static ChatInput Chat() => new(
        [new DictionaryValue([new(new TextValue("content"), TextValue.FromUser("user"))])],
        NoneValue.Instance, NoneValue.Instance, AddGenerationPrompt: true, ContinueFinalMessage: false, []);

    private static string Run(string template)
    {
        try
        {
            return Template(template).Render(Chat()).Text;
        }
        catch (TemplateException exception)
        {
            return "err:" + exception.Message;
        }
    }
}
